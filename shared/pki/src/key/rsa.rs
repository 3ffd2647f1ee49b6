//! Private keys of RSA with two primes.

use zeroize::Zeroizing;

use super::number::Number;
use crate::Error;
use crate::der::{self, Reader};

/// No modulus in use is larger; bounds the arithmetic on what users give, in bits.
const LARGEST: u32 = 16_384;

/// The numbers of a key, big-endian. They have been checked against each other.
pub(crate) struct RsaKey {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
    private: Zeroizing<Vec<u8>>,
    primes: [Zeroizing<Vec<u8>>; 2],
    /// Both exponents modulo the primes less one, and the inverse of the second prime modulo the first.
    remainders: [Zeroizing<Vec<u8>>; 3],
}

impl RsaKey {
    /// The modulus and both exponents.
    pub(crate) fn numbers(&self) -> (&[u8], &[u8], &[u8]) {
        (&self.modulus, &self.exponent, &self.private)
    }

    /// The primes, and the inverse of the second modulo the first.
    pub(crate) fn primes(&self) -> ([&[u8]; 2], &[u8]) {
        let [first, second] = &self.primes;
        ([first, second], &self.remainders[2])
    }

    pub(crate) fn from_pkcs1(der: &[u8]) -> Result<Self, Error> {
        const FORM: Error = Error::Key("it is not an RSA key");
        let mut input = Reader(der);
        let mut key = input.sequence().filter(|_| input.is_empty()).ok_or(FORM)?;
        match key.small() {
            Some(version) if version > 1 => {
                return Err(Error::Key("a version of RSA keys that is not known"));
            }
            Some(_) => {}
            None => return Err(FORM),
        }
        let [n, e, d, p, q] = [(); 5].map(|()| key.positive());
        let (n, e, d) = (n.ok_or(FORM)?, e.ok_or(FORM)?, d.ok_or(FORM)?);
        let primes = [p.ok_or(FORM)?, q.ok_or(FORM)?];
        let mut remainders = [None; 3];
        for remainder in &mut remainders {
            if key.starts_with(der::INTEGER) {
                *remainder = Some(key.positive().ok_or(FORM)?);
            }
        }
        if key.starts_with(der::SEQUENCE) {
            return Err(Error::Key("an RSA key of more than two primes"));
        }
        Self::new(n, e, d, primes, remainders)
    }

    /// Checks the numbers against each other; computes the remainders if not all three are given.
    pub(crate) fn new(
        modulus: &[u8],
        exponent: &[u8],
        private: &[u8],
        primes: [&[u8]; 2],
        remainders: [Option<&[u8]>; 3],
    ) -> Result<Self, Error> {
        const INCONSISTENT: Error = Error::Key("the numbers of the RSA key do not belong together");
        let largest = LARGEST as usize / 8 + 1;
        if [modulus, exponent, private, primes[0], primes[1]].iter().any(|number| number.len() > largest)
            || remainders.iter().flatten().any(|number| number.len() > largest)
        {
            return Err(Error::Key("the numbers of the RSA key are too large"));
        }
        let numbers = Numbers {
            n: Number::new(modulus),
            e: Number::new(exponent),
            d: Number::new(private),
            p: Number::new(primes[0]),
            q: Number::new(primes[1]),
        };
        let remainders = match remainders {
            [Some(dp), Some(dq), Some(inverse)] => [dp, dq, inverse].map(Number::new),
            _ => numbers.remainders().ok_or(INCONSISTENT)?,
        };
        numbers.check(&remainders).ok_or(INCONSISTENT)?;
        Ok(Self {
            modulus: numbers.n.bytes().to_vec(),
            exponent: numbers.e.bytes().to_vec(),
            private: numbers.d.bytes(),
            primes: [numbers.p.bytes(), numbers.q.bytes()],
            remainders: remainders.map(|remainder| remainder.bytes()),
        })
    }

    pub(crate) fn to_pkcs1(&self) -> Zeroizing<Vec<u8>> {
        let [p, q] = &self.primes;
        let [dp, dq, inverse] = &self.remainders;
        let numbers: [&[u8]; 9] = [&[0], &self.modulus, &self.exponent, &self.private, p, q, dp, dq, inverse];
        let numbers = numbers.map(der::unsigned);
        let [version, n, e, d, p, q, dp, dq, inverse] = &numbers;
        der::sequence(&[version, n, e, d, p, q, dp, dq, inverse])
    }

    /// The length of the modulus in bytes.
    pub(crate) fn size(&self) -> usize {
        self.modulus.len()
    }
}

/// The public key with its algorithm, from the modulus and the exponent.
pub(crate) fn public_info(modulus: &[u8], exponent: &[u8]) -> Zeroizing<Vec<u8>> {
    let key = der::sequence(&[&der::unsigned(modulus), &der::unsigned(exponent)]);
    let algorithm = der::sequence(&[&der::value(der::OID, &[crate::oid::RSA]), der::NULL]);
    der::sequence(&[&algorithm, &der::bits(&key)])
}

struct Numbers {
    n: Number,
    e: Number,
    d: Number,
    p: Number,
    q: Number,
}

impl Numbers {
    fn remainders(&self) -> Option<[Number; 3]> {
        let dp = self.d.modulo(&self.p.less_one())?;
        let dq = self.d.modulo(&self.q.less_one())?;
        Some([dp, dq, self.q.inverse(&self.p)?])
    }

    /// What Go checks of a key before it uses or writes it.
    fn check(&self, [dp, dq, inverse]: &[Number; 3]) -> Option<()> {
        let Self { n, e, d, p, q } = self;
        let half = n.bits() / 2;
        let (p_less, q_less) = (p.less_one(), q.less_one());
        let fits = n.is_odd()
            && e.is_odd()
            && !e.is_one()
            && e.bits() <= 31
            && p.times(q) == *n
            && e.times(dp).modulo(&p_less)?.is_one()
            && e.times(dq).modulo(&q_less)?.is_one()
            && q.times(inverse).modulo(p)?.is_one()
            && d.modulo(&p_less)? == *dp
            && d.modulo(&q_less)? == *dq
            && inverse.modulo(p)? == *inverse
            && d.modulo(n)? == *d
            && p.distance(q).bits() > half.saturating_sub(100)
            && d.bits() > half;
        fits.then_some(())
    }
}
