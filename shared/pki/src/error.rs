/// Why a key, a certificate or a file of them could not be read or written.
///
/// No message holds anything of the input: keys, passwords and names stay out of logs and of a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No PEM block where one is needed.
    #[error("no PEM block found: a line must begin with -----BEGIN and one with -----END of the same type")]
    NoPem,
    /// Something that is no PEM block where only blocks may stand, be it an empty line.
    #[error("text after the last PEM block: remove it")]
    TrailingText,
    /// A text in which nothing could be filtered.
    #[error("error filtering pem: found junk")]
    Junk,
    /// Not an X.509 certificate, or one that Go refuses.
    #[error("not a certificate: {0}")]
    Certificate(&'static str),
    /// Several certificates that signed no other one.
    #[error("found multiple leaf or disjunct certificates: give one chain")]
    Disjunct,
    /// No certificates, or each signed another one.
    #[error("no leaf certificate found: give a chain with one certificate that signed no other")]
    NoLeaf,
    /// The certificates signed each other in a circle.
    #[error("the certificates form a circle: give one chain")]
    Circle,
    /// A private key in none of the known forms.
    #[error("unable to parse private key type: PKCS#1, PKCS#8 or SEC 1 in PEM is needed")]
    KeyForm,
    /// A private key whose form is known but which is not usable.
    #[error("not a usable private key: {0}")]
    Key(&'static str),
    /// Not a PKCS#12 file.
    #[error("pkcs12: error reading P12 data: {0}; it must be binary: decode Base64 first")]
    Pkcs12(&'static str),
    /// A PKCS#12 file with something that neither ESO nor Pawl reads.
    #[error("pkcs12: {0} is not supported")]
    Pkcs12Unsupported(&'static str),
    /// A PKCS#12 file that opened but does not hold what was asked for.
    #[error("pkcs12: {0}")]
    Pkcs12Content(&'static str),
    /// The password of a PKCS#12 file is wrong.
    #[error("pkcs12: decryption password incorrect")]
    Password,
    /// A password or a name with a character beyond the Basic Multilingual Plane.
    #[error("pkcs12: string contains characters that cannot be encoded in UCS-2")]
    Characters,
    /// A derivation of more than [`MOST_ITERATIONS`](crate::MOST_ITERATIONS) rounds.
    #[error(
        "pkcs12: more than {} rounds of key derivation: encrypt the file with fewer",
        crate::MOST_ITERATIONS
    )]
    Iterations,
    /// Larger than [`LARGEST_INPUT`](crate::LARGEST_INPUT).
    #[error("{0} is larger than {limit} bytes", limit = crate::LARGEST_INPUT)]
    TooLarge(&'static str),
    /// Not a JSON Web Key, or of a kind that has no PEM form.
    #[error("not a usable JWK: {0}")]
    Jwk(&'static str),
    /// A private JWK where a public one is asked for.
    #[error("the JWK holds a private key: use jwkPrivateKeyPem, or remove the private members")]
    JwkPrivate,
    /// A public JWK where a private one is asked for.
    #[error("the JWK holds a public key only: use jwkPublicKeyPem")]
    JwkPublic,
    /// A scheme of decryption other than `None` and `RSA-OAEP`.
    #[error("decryption scheme is not supported: use RSA-OAEP or None")]
    Scheme,
    /// A key for RSA that has another size than 2048 to 8192 bits.
    #[error("RSA keys of 2048 to 8192 bits can decrypt, not this one")]
    RsaSize,
    /// A ciphertext that this key and hash do not open.
    #[error("error decrypting data with RSA: the key, the hash or the ciphertext is wrong")]
    Decrypt,
    /// The operating system gave no randomness.
    #[error("no randomness to encrypt with")]
    Random,
}
