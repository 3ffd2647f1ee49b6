//! Whole numbers of any size, above zero, from and to big-endian bytes. Their limbs are wiped.

use crypto_bigint::{BoxedUint, ConcatenatingMul as _, NonZero, Odd, Resize as _};
use zeroize::{Zeroize, Zeroizing};

use crate::der::strip_zeros;

pub(super) struct Number(BoxedUint);

impl Drop for Number {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Number {
    pub(super) fn new(bytes: &[u8]) -> Self {
        let bytes = strip_zeros(bytes);
        Self(if bytes.is_empty() { BoxedUint::zero() } else { BoxedUint::from_be_slice_vartime(bytes) })
    }

    pub(super) fn bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(strip_zeros(&Zeroizing::new(self.0.to_be_bytes().to_vec())).to_vec())
    }

    pub(super) fn bits(&self) -> u32 {
        self.0.bits()
    }

    pub(super) fn is_odd(&self) -> bool {
        self.0.bit_vartime(0)
    }

    pub(super) fn is_one(&self) -> bool {
        bool::from(self.0.is_one())
    }

    pub(super) fn times(&self, other: &Self) -> Self {
        Self(self.0.concatenating_mul(&other.0))
    }

    /// The number below this one; zero stays zero.
    pub(super) fn less_one(&self) -> Self {
        Self(if bool::from(self.0.is_zero()) {
            self.0.clone()
        } else {
            self.0.wrapping_sub(BoxedUint::one())
        })
    }

    /// How far the two are from each other.
    pub(super) fn distance(&self, other: &Self) -> Self {
        let precision = self.0.bits_precision().max(other.0.bits_precision());
        let (large, small) = if self.0.cmp_vartime(&other.0).is_ge() { (self, other) } else { (other, self) };
        Self(BoxedUint::zero_with_precision(precision).wrapping_add(&large.0).wrapping_sub(&small.0))
    }

    /// What is left after dividing; `None` for a division by zero.
    pub(super) fn modulo(&self, modulus: &Self) -> Option<Self> {
        let modulus = Option::<NonZero<BoxedUint>>::from(modulus.0.to_nz())?;
        Some(Self(self.0.rem(&modulus)))
    }

    /// The number that gives one when multiplied with this one, modulo an odd number.
    pub(super) fn inverse(&self, modulus: &Self) -> Option<Self> {
        let rest = self.modulo(modulus)?;
        let odd = Option::<Odd<BoxedUint>>::from(modulus.0.to_odd())?;
        let rest = (&rest.0).try_resize(odd.bits_precision())?;
        Option::from(rest.invert_odd_mod(&odd)).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(value: u64) -> Number {
        Number::new(&value.to_be_bytes())
    }

    fn value(number: &Number) -> u64 {
        number.bytes().iter().fold(0, |value, byte| value << 8 | u64::from(*byte))
    }

    #[test]
    fn arithmetic_over_the_width_of_a_limb() {
        let big = number(u64::MAX).times(&number(u64::MAX));
        assert_eq!(big.bits(), 128);
        assert_eq!(
            value(&big.modulo(&number(1_000_003)).unwrap()),
            ((u128::from(u64::MAX) * u128::from(u64::MAX)) % 1_000_003) as u64
        );
    }

    #[test]
    fn inverses_modulo_odd_numbers() {
        let inverse = number(1_000).inverse(&number(7)).unwrap();
        assert_eq!(value(&inverse), 6, "1000 is 6 modulo 7, and 6 * 6 is 36");
        assert!(number(14).inverse(&number(7)).is_none());
        assert!(number(3).inverse(&number(8)).is_none(), "even");
        assert!(number(3).modulo(&number(0)).is_none());
    }

    #[test]
    fn distances_have_no_sign() {
        assert_eq!(value(&number(5).distance(&number(9))), 4);
        assert_eq!(value(&number(9).distance(&number(5))), 4);
        assert_eq!(value(&number(0).less_one()), 0);
    }
}
