//! The double nearest to decimal digits. The parser of the standard library would add 12.8 KB to the Worker, gzipped: it has a
//! table that does not compress.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "lengths of bodies and exponents of doubles; what loses bits says so"
)]

use std::cmp::Ordering;

/// Numbers halfway between two doubles have no more digits.
const MAX_DIGITS: usize = 768;
/// Whole numbers of so many digits are doubles.
const EXACT_DIGITS: usize = 15;
/// Powers of ten up to this one are doubles.
const EXACT_POWER: u32 = 22;
/// Bits of a double, its first one included.
const BITS: i32 = 53;
/// The last bit of the least double is 2^-1074.
const LEAST_SHIFT: i32 = 1074;

/// The double nearest to what the digits of a JSON number spell; of two as near, the even one. An infinity, if that is past
/// the doubles.
pub fn nearest(number: &str) -> f64 {
    let (sign, unsigned) = number.strip_prefix('-').map_or((1.0, number), |unsigned| (-1.0, unsigned));
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    // No number is so long that it makes up for an exponent past 32 bits.
    let past = if exponent.starts_with('-') { i32::MIN } else { i32::MAX };
    let exponent = i64::from(exponent.parse().unwrap_or(past)) - fraction.len() as i64;
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).skip_while(|digit| *digit == b'0').collect();
    let unsigned = match exponent + digits.len() as i64 {
        _ if digits.is_empty() => 0.0,
        ..=-324 => 0.0,
        310.. => f64::INFINITY,
        _ => of_digits(&digits, exponent as i32),
    };
    sign * unsigned
}

/// The double nearest to digits times a power of ten: at least 10^-324, and less than 10^309.
fn of_digits(digits: &[u8], exponent: i32) -> f64 {
    let (kept, rest) = digits.split_at(digits.len().min(MAX_DIGITS));
    let exponent = exponent + rest.len() as i32;
    let power = exponent.unsigned_abs();
    let mut number = Natural::default();
    for digit in kept {
        number.multiply_add(10, u32::from(digit & 15));
    }
    if kept.len() <= EXACT_DIGITS && power <= EXACT_POWER {
        let (number, power) = (number.low_bits() as f64, 10_f64.powi(power as i32));
        return if exponent < 0 { number / power } else { number * power };
    }
    let mut divisor = Natural(vec![1]);
    let scaled = if exponent < 0 { &mut divisor } else { &mut number };
    (0..power).for_each(|_| scaled.multiply_add(10, 0));
    if rest.iter().any(|digit| *digit != b'0') {
        // Whatever they are, the number is a little more.
        number.multiply_add(10, 1);
        divisor.multiply_add(10, 0);
    }
    quotient(number, divisor)
}

/// The double nearest to the quotient of two numbers that are not 0, by a long division.
fn quotient(mut number: Natural, mut divisor: Natural) -> f64 {
    // The quotient is `bits` times 2^-shift: at least 2^52 of them, unless that is less than the last bit of all doubles.
    let mut shift = BITS + divisor.bits() - number.bits();
    number.shift(shift.max(0));
    divisor.shift(BITS - shift.min(0));
    if number.compare(&divisor) != Ordering::Less {
        divisor.shift(1);
        shift -= 1;
    }
    divisor.shift((shift - LEAST_SHIFT).max(0));
    shift = shift.min(LEAST_SHIFT);
    let mut bits = 0;
    for _ in 0..BITS {
        number.shift(1);
        bits *= 2;
        if number.compare(&divisor) != Ordering::Less {
            number.subtract(&divisor);
            bits += 1;
        }
    }
    number.shift(1);
    let is_up = match number.compare(&divisor) {
        Ordering::Less => false,
        Ordering::Equal => bits % 2 == 1,
        Ordering::Greater => true,
    };
    // The first of the bits, which a double leaves out, makes one more of the exponent.
    let double = (((LEAST_SHIFT - shift) as u64) << (BITS - 1)) + bits + u64::from(is_up);
    f64::from_bits(double.min(f64::INFINITY.to_bits()))
}

/// A natural number of any size: digits to base 2^32 from the lowest on, the last of which is not 0.
#[derive(Default)]
struct Natural(Vec<u32>);

impl Natural {
    fn multiply_add(&mut self, factor: u32, summand: u32) {
        let mut carry = u64::from(summand);
        for digit in &mut self.0 {
            carry += u64::from(*digit) * u64::from(factor);
            *digit = carry as u32;
            carry >>= 32;
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
    }

    fn shift(&mut self, bits: i32) {
        self.multiply_add(1 << (bits % 32), 0);
        self.0.splice(0..0, vec![0; bits as usize / 32]);
    }

    /// Takes away another that is not greater.
    fn subtract(&mut self, other: &Natural) {
        let mut borrow = 0;
        for (i, digit) in self.0.iter_mut().enumerate() {
            borrow += i64::from(*digit) - i64::from(other.0.get(i).copied().unwrap_or(0));
            *digit = borrow as u32;
            borrow >>= 32;
        }
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    fn compare(&self, other: &Natural) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }

    fn bits(&self) -> i32 {
        self.0.len() as i32 * 32 - self.0.last().map_or(0, |digit| digit.leading_zeros() as i32)
    }

    fn low_bits(&self) -> u64 {
        self.0.iter().take(2).rev().fold(0, |bits, digit| bits << 32 | u64::from(*digit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn assert_nearest(number: &str) {
        let expected: f64 = number.parse().unwrap();
        assert_eq!(nearest(number).to_bits(), expected.to_bits(), "{number}");
    }

    #[test]
    fn the_least_the_greatest_and_what_is_halfway() {
        let zeros = "0".repeat(1000);
        for number in [
            "0",
            "-0",
            "0.000",
            "0e999999999999",
            "-0.0e-999999999999",
            "1e999999999999",
            "-1E+99999",
            "1e-999999999999",
            "1.7976931348623157e308",
            "1.7976931348623158e308",
            "1.7976931348623159e308",
            "179769313486231580793e289",
            "2.2250738585072014e-308",
            "2.2250738585072011e-308",
            "4.9e-324",
            "5e-324",
            "2.4703282292062327208e-324",
            "2.4703282292062328e-324",
            "9.99e-325",
            "9007199254740993",
            "9007199254740995",
            "-9007199254740993.0",
            "9007199254740992.9999999999999999999",
            "123456789012345e22",
            "123456789012345e-22",
            "1e23",
            "8.5e22",
            "0.1",
            "0.30000000000000004",
            "3.141592653589793238462643383279",
            &format!("9007199254740993.{zeros}"),
            &format!("9007199254740993.{zeros}1"),
            &format!("1{zeros}e-1000"),
            &format!("0.{zeros}25e1001"),
            &format!("1{zeros}"),
        ] {
            assert_nearest(number);
        }
    }

    proptest! {
        #[test]
        fn it_is_what_the_standard_library_makes_of_it(
            number in r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?"
        ) {
            assert_nearest(&number);
        }

        #[test]
        fn a_double_is_found_by_all_its_digits_and_by_some(bits: u64, digits in 1..800_usize) {
            let double = f64::from_bits(bits & !(1 << 63));
            prop_assume!(double.is_finite());
            assert_nearest(&format!("{double:e}"));
            assert_nearest(&format!("{double:.digits$e}"));
            assert_nearest(&format!("{double:.digits$}"));
        }

        #[test]
        fn of_two_as_near_it_is_the_even_one(mantissa in 1_u64 << 52..1 << 53, power in 0..600_u32) {
            // 2^power more than a double, where its last bit is 2^(power + 1): in decimal digits, digit by digit.
            let mut middle = vec![0_u8];
            let mut step = |add: u8| {
                let mut carry = add;
                for digit in &mut middle {
                    carry += *digit * 2;
                    (*digit, carry) = (carry % 10, carry / 10);
                }
                middle.extend((carry > 0).then_some(carry));
            };
            (0..53).rev().for_each(|bit| step(u8::from(mantissa >> bit & 1 == 1)));
            step(1);
            (0..power).for_each(|_| step(0));
            let digits: String = middle.iter().rev().map(|digit| char::from(b'0' + digit)).collect();
            for fraction in [".0", ".000000001"] {
                assert_nearest(&format!("{digits}{fraction}"));
                assert_nearest(&format!("{digits}{fraction}e-{power}"));
            }
        }
    }
}
