//! Decimal arithmetic on floats: exact, with 16 places after a division, as shopspring/decimal has it.

use std::cmp::Ordering;

use super::Row;
use super::args::{arg, rest};
use super::cast::to_float64;
use crate::value::Type::Any;
use crate::value::{FuncError, Value};

pub(super) const TABLE: &[Row] = &[
    Row("add1f", &[Any], None, |a| fold(to_float64(arg(a, 0)), &[Value::Int(1)], |x, y| Ok(x.add(y)))),
    Row("addf", &[], Some(Any), |a| fold(0.0, a, |x, y| Ok(x.add(y)))),
    Row("subf", &[Any], Some(Any), |a| fold(to_float64(arg(a, 0)), rest(a, 1), |x, y| Ok(x.sub(y)))),
    Row("mulf", &[Any], Some(Any), |a| fold(to_float64(arg(a, 0)), rest(a, 1), |x, y| x.mul(y))),
    Row("divf", &[Any], Some(Any), |a| fold(to_float64(arg(a, 0)), rest(a, 1), |x, y| x.div(y))),
];

/// Digits that a number may grow to; a chain of multiplications adds up to some hundreds each.
const MAX_DIGITS: usize = 4_000;

/// Places behind the point after a division.
const PLACES: i64 = 16;

fn fold(
    first: f64,
    others: &[Value],
    operation: fn(&Decimal, &Decimal) -> Result<Decimal, FuncError>,
) -> Result<Value, FuncError> {
    let mut total = Decimal::new(first)?;
    for other in others {
        total = operation(&total, &Decimal::new(to_float64(other))?)?;
        if total.digits.len() > MAX_DIGITS {
            return Err(FuncError::too_large());
        }
    }
    Ok(Value::Float(total.to_float()))
}

/// `digits * 10^exponent`, the digits in decimal with the least significant first and no zeros at the top.
#[derive(Clone, Debug)]
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    /// The shortest decimal that reads back as the float.
    fn new(value: f64) -> Result<Self, FuncError> {
        if !value.is_finite() {
            return Err(FuncError::new("Cannot create a Decimal from what is not finite"));
        }
        let text = format!("{:e}", value.abs());
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let places = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len() as i64);
        let digits = mantissa.bytes().rev().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect();
        let exponent = exponent.parse::<i64>().unwrap_or(0) - places;
        Ok(Self { negative: value < 0.0, digits: trimmed(digits), exponent })
    }

    fn to_float(&self) -> f64 {
        let digits: String = self.digits.iter().rev().map(|digit| char::from(digit + b'0')).collect();
        let magnitude = format!("{}e{}", if digits.is_empty() { "0" } else { &digits }, self.exponent);
        let magnitude: f64 = magnitude.parse().unwrap_or(0.0);
        if self.negative && magnitude != 0.0 { -magnitude } else { magnitude }
    }

    /// The digits for a lower exponent.
    fn scaled(&self, exponent: i64) -> Vec<u8> {
        let zeros = usize::try_from(self.exponent - exponent).unwrap_or(0);
        if self.digits.is_empty() { Vec::new() } else { [vec![0; zeros], self.digits.clone()].concat() }
    }

    fn add(&self, other: &Self) -> Self {
        let exponent = self.exponent.min(other.exponent);
        let (a, b) = (self.scaled(exponent), other.scaled(exponent));
        if self.negative == other.negative {
            return Self { negative: self.negative, digits: plus(&a, &b), exponent };
        }
        match compare(&a, &b) {
            Ordering::Less => Self { negative: other.negative, digits: minus(&b, &a), exponent },
            _ => Self { negative: self.negative, digits: minus(&a, &b), exponent },
        }
    }

    fn sub(&self, other: &Self) -> Self {
        self.add(&Self { negative: !other.negative, ..other.clone() })
    }

    fn mul(&self, other: &Self) -> Result<Self, FuncError> {
        if self.digits.len() + other.digits.len() > MAX_DIGITS {
            return Err(FuncError::too_large());
        }
        let mut sums = vec![0_u32; self.digits.len() + other.digits.len()];
        for (i, a) in self.digits.iter().enumerate() {
            for (j, b) in other.digits.iter().enumerate() {
                sums[i + j] += u32::from(*a) * u32::from(*b);
            }
        }
        let mut carry = 0;
        let digits = sums.into_iter().map(|sum| {
            carry += sum;
            let digit = (carry % 10) as u8;
            carry /= 10;
            digit
        });
        let digits = trimmed(digits.collect());
        Ok(Self {
            negative: self.negative != other.negative,
            digits,
            exponent: self.exponent + other.exponent,
        })
    }

    /// Rounded half away from zero at the last of [`PLACES`].
    fn div(&self, other: &Self) -> Result<Self, FuncError> {
        if other.digits.is_empty() {
            return Err(FuncError::new("decimal division by 0"));
        }
        let shift = self.exponent - other.exponent + PLACES;
        let (mut a, mut b) = (self.digits.clone(), other.digits.clone());
        let zeros = vec![0; usize::try_from(shift.abs()).unwrap_or(0)];
        if shift > 0 {
            a = trimmed([zeros, a].concat());
        } else {
            b = [zeros, b].concat();
        }
        let (mut quotient, remainder) = divide(&a, &b);
        if compare(&plus(&remainder, &remainder), &b) != Ordering::Less {
            quotient = plus(&quotient, &[1]);
        }
        Ok(Self { negative: self.negative != other.negative, digits: quotient, exponent: -PLACES })
    }
}

fn trimmed(mut digits: Vec<u8>) -> Vec<u8> {
    while digits.last() == Some(&0) {
        digits.pop();
    }
    digits
}

fn compare(a: &[u8], b: &[u8]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.iter().rev().cmp(b.iter().rev()))
}

fn plus(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let mut sum: Vec<u8> = (0..a.len().max(b.len()))
        .map(|place| {
            let total = a.get(place).unwrap_or(&0) + b.get(place).unwrap_or(&0) + carry;
            carry = total / 10;
            total % 10
        })
        .collect();
    sum.push(carry);
    trimmed(sum)
}

/// `a - b`, where `a` is not the lesser.
fn minus(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let difference = a.iter().enumerate().map(|(place, digit)| {
        let take = b.get(place).unwrap_or(&0) + borrow;
        borrow = u8::from(*digit < take);
        digit + 10 * borrow - take
    });
    trimmed(difference.collect())
}

/// Quotient and remainder by long division.
fn divide(a: &[u8], b: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut quotient = Vec::with_capacity(a.len());
    let mut remainder: Vec<u8> = Vec::new();
    for digit in a.iter().rev() {
        remainder.insert(0, *digit);
        remainder = trimmed(remainder);
        let mut count = 0;
        while compare(&remainder, b) != Ordering::Less {
            remainder = minus(&remainder, b);
            count += 1;
        }
        quotient.push(count);
    }
    quotient.reverse();
    (trimmed(quotient), remainder)
}
