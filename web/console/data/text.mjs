// Numbers as people read them.

/** @param {number} value */
export const number = (value) => value.toLocaleString("en");

/**
 * @param {number} value
 * @param {string} thing
 */
export const count = (value, thing) => `${number(value)} ${thing}${value === 1 ? "" : "s"}`;
