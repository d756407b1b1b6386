// Phones: what Roster takes, and what to do with the others, as the tool `roster` does it.

const SEPARATORS = /[ \u00a0\u202f\-./()]/g;
const E164 = /^\+[1-9]\d{1,14}$/;
/** Digits that a number has at least before a country code is written before it. */
const MIN_NATIONAL_DIGITS = 6;

/**
 * Refuse it; write + and the country code before it, else refuse it; the same, else keep it as the property `phone`.
 * @typedef {"refuse" | "tidy" | "keep"} PhoneChoice
 */

/** The property that keeps a phone. */
export const KEPT_AS = "phone";

/** Whether Roster takes it as it is. */
export function isPhone(text) {
  return E164.test(/^\+\d.*\d$/s.test(text) ? text.replace(SEPARATORS, "") : text);
}

/**
 * The number with + and a country code: its own behind 00, else this one.
 * @param {string} text
 * @param {string} [countryCode]
 */
export function tidyPhone(text, countryCode) {
  const digits = text.replace(SEPARATORS, "");
  const phone = digits.startsWith("00") ? `+${digits.slice(2)}` : withCode(digits, countryCode);
  return phone && E164.test(phone) ? phone : undefined;
}

function withCode(digits, code) {
  if (digits.startsWith("+")) return digits;
  if (!code || digits.length < MIN_NATIONAL_DIGITS) return undefined;
  // In North America 1 is what one dials first too; in Italy the 0 is a part of the number.
  if (code === "1") return `+1${/^1\d{10}$/.test(digits) ? digits.slice(1) : digits}`;
  return `+${code}${code === "39" ? digits : digits.replace(/^0/, "")}`;
}
