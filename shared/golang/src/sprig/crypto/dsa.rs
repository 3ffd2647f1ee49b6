//! DSA keys with 2048 bits and a subgroup of 256, as Go's `crypto/dsa` makes them: new parameters for every key.
//!
//! The primes are sought as in FIPS 186-4, A.1.1.2, without the seed by which others could verify them, as in Go.

use std::sync::LazyLock;

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Limb, NonZero, Odd, Resize};

use super::der;
use super::random::bytes;
use crate::value::FuncError;

const P_BITS: u32 = 2048;
const Q_BITS: u32 = 256;
/// Candidates for `p` with one `q`: FIPS 186-4 and Go give up at four for each bit. About one in 700 is prime.
const P_CANDIDATES: u32 = 4 * P_BITS;
/// That no prime is found with one `q` happens once in 100,000 times; so many in a row do not happen.
const Q_TRIES: u32 = 4;
/// Rounds of Miller-Rabin for a prime of this size: FIPS 186-4, table C.1.
const ROUNDS: u32 = 56;

/// A new private key in the form of OpenSSL, which has no standard: version 0, p, q, g, y, x.
///
/// It takes about a second, nearly all of it to find `p`.
///
/// # Errors
/// No primes were found among as many candidates as the search is limited to.
pub(super) fn generate() -> Result<Vec<u8>, FuncError> {
    let (p, q) = primes().ok_or_else(|| FuncError::new("failed to generate dsa params: no primes found"))?;
    let field = BoxedMontyParams::new_vartime(p.clone());
    let power = |base: &BoxedUint, exponent: &BoxedUint| {
        BoxedMontyForm::new(base.clone(), &field).pow(exponent).retrieve()
    };
    let cofactor = p.as_ref().wrapping_div_vartime(q.as_nz_ref());
    let g = (2_u64..)
        .map(|base| power(&BoxedUint::from(base).resize(P_BITS), &cofactor))
        .find(|power| *power != one(P_BITS));
    // Fewer bases lead to 1 than to any other of the q values, so that the second one is hardly ever tried.
    let g = g.ok_or_else(|| FuncError::new("failed to generate dsa params: no generator found"))?;
    let x = loop {
        let x = number(&bytes(32), Q_BITS);
        if !bool::from(x.is_zero()) && x < *q.as_ref() {
            break x;
        }
    };
    let y = power(&g, &x);
    let numbers = [BoxedUint::zero(), p.get(), q.get(), g, y, x].map(|n| der::unsigned(&n.to_be_bytes()));
    Ok(der::value(der::SEQUENCE, &numbers.concat()))
}

/// `p` and `q`, so that `q` divides `p` - 1.
fn primes() -> Option<(Odd<BoxedUint>, Odd<BoxedUint>)> {
    for _ in 0..Q_TRIES {
        let q = loop {
            let q = random(Q_BITS) | one(Q_BITS);
            if is_prime(&q) {
                break q;
            }
        };
        let double = q.clone().resize(P_BITS).wrapping_shl_vartime(1);
        let double = NonZero::new(double).into_option()?;
        for _ in 0..P_CANDIDATES {
            let random = random(P_BITS);
            let rest = random.rem_vartime(&double);
            let p = random.wrapping_sub(rest).wrapping_add(one(P_BITS));
            if p.bits_vartime() == P_BITS && is_prime(&p) {
                return Odd::new(p).into_option().zip(Odd::new(q).into_option());
            }
        }
    }
    None
}

/// Whether an odd number above 2^16 is prime; a composite one is taken for prime with a chance below 2^-112.
fn is_prime(number: &BoxedUint) -> bool {
    if SMALL_PRIMES.iter().any(|primes| primes.divide(number)) {
        return false;
    }
    let Some(modulus) = Odd::new(number.clone()).into_option() else { return false };
    let field = BoxedMontyParams::new_vartime(modulus);
    let one = BoxedMontyForm::one(&field);
    let minus_one = one.neg();
    let before = number.wrapping_sub(self::one(number.bits_precision()));
    let twos = before.trailing_zeros_vartime();
    let odd_part = before.wrapping_shr_vartime(twos);
    // One bit shorter than the number, so that it need not be reduced.
    let random_base = || random(number.bits_precision()).wrapping_shr_vartime(1);
    (0..ROUNDS).all(|_| {
        let mut power = BoxedMontyForm::new(random_base(), &field).pow(&odd_part);
        if power == one {
            return true;
        }
        for _ in 1..twos {
            if power == minus_one {
                return true;
            }
            power = power.square();
        }
        power == minus_one
    })
}

/// As many primes as have a product of one machine word: one division by it stands for all of theirs.
struct SmallPrimes {
    product: u64,
    primes: Vec<u64>,
}

impl SmallPrimes {
    fn divide(&self, number: &BoxedUint) -> bool {
        let Some(product) = NonZero::new(Limb::from(self.product)).into_option() else { return false };
        let rest = number.rem_limb(product).0;
        self.primes.iter().any(|prime| rest.is_multiple_of(*prime))
    }
}

/// The odd primes up to 5000. More of them would cost as much as they save.
static SMALL_PRIMES: LazyLock<Vec<SmallPrimes>> = LazyLock::new(|| {
    let mut groups: Vec<SmallPrimes> = Vec::new();
    let mut known: Vec<u64> = Vec::new();
    for candidate in (3_u64..5000).step_by(2) {
        if known.iter().any(|prime| candidate.is_multiple_of(*prime)) {
            continue;
        }
        known.push(candidate);
        match groups
            .last_mut()
            .and_then(|last| last.product.checked_mul(candidate).map(|product| (last, product)))
        {
            Some((last, product)) => {
                last.product = product;
                last.primes.push(candidate);
            }
            None => groups.push(SmallPrimes { product: candidate, primes: vec![candidate] }),
        }
    }
    groups
});

/// A random number with its highest bit set.
fn random(bits: u32) -> BoxedUint {
    let mut bytes = bytes(bits as usize / 8);
    if let Some(first) = bytes.first_mut() {
        *first |= 0x80;
    }
    number(&bytes, bits)
}

fn number(bytes: &[u8], bits: u32) -> BoxedUint {
    BoxedUint::from_be_slice_truncated(bytes, bits)
}

fn one(bits: u32) -> BoxedUint {
    BoxedUint::one().resize(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primes_are_told_from_composites() {
        let hex = |digits: &str| BoxedUint::from_be_hex(digits, 256).unwrap();
        // 2^255 - 19, and the order of the curve P-256.
        let ed25519 = hex("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed");
        let p256 = hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
        assert!(is_prime(&ed25519) && is_prime(&p256));
        // Two primes of 128 bits, so that only Miller-Rabin finds out.
        let product = hex("fffffffffffffffffffffffffffffeb400000000000000000000000000006b73");
        assert!(SMALL_PRIMES.iter().all(|primes| !primes.divide(&product)));
        assert!(!is_prime(&product));
    }

    #[test]
    fn a_key_fulfils_the_equations_of_dsa() {
        let key = generate().unwrap();
        let mut numbers = der::Reader(der::Reader(&key).take(der::SEQUENCE).unwrap());
        let sizes = [64, P_BITS, Q_BITS, P_BITS, P_BITS, Q_BITS];
        let [version, p, q, g, y, x] = sizes.map(|bits| number(numbers.take(der::INTEGER).unwrap(), bits));
        assert!(bool::from(version.is_zero()));
        assert_eq!((p.bits(), q.bits()), (P_BITS, Q_BITS));
        assert!(is_prime(&p) && is_prime(&q));
        assert!(x < q && g != one(P_BITS));
        let field = BoxedMontyParams::new_vartime(Odd::new(p).unwrap());
        let power = |exponent: &BoxedUint| BoxedMontyForm::new(g.clone(), &field).pow(exponent).retrieve();
        assert_eq!(power(&q), one(P_BITS));
        assert_eq!(power(&x), y);
    }
}
