// The type of a column: what its cells stand for in properties and origin, as the tool `roster` has it.

import { Digits, NotJson, parse, stringify, Unheld } from "./lossless.mjs";

/**
 * `json` is JSON where it is valid, else a text; `text` a text, whatever it looks like.
 * @typedef {"json" | "text" | "number" | "boolean"} CellType
 */

/** A cell that can be JSON begins so. */
const JSON_START = /^[ \t\n\r]*["{[\-\dtfn]/;
const PLAIN_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;
const BOOLEAN = /^(?:true|false)$/i;
/** A number with a zero before it, as a postcode is. */
const ZIP = /^[+-]?0\d+$/;

/** A cell that is JSON stands for it, digit for digit; any other text is a string. */
export function cellValue(cell) {
  if (!JSON_START.test(cell)) return cell;
  try {
    return parse(cell);
  } catch (error) {
    if (error instanceof Unheld || !(error instanceof NotJson)) throw error;
    return cell;
  }
}

/** The cell of a value. A text that a spreadsheet would have written of another type has JSON's quotes too. */
export function valueCell(value) {
  const isBare =
    typeof value === "string" && value !== "" && !isJson(value) && !ZIP.test(value) && !BOOLEAN.test(value);
  return isBare ? value : stringify(value);
}

function isJson(text) {
  try {
    return cellValue(text) !== text;
  } catch {
    return true;
  }
}

/**
 * The value of a cell that is not empty; one that has not this type throws. By a name of Roster's own the word null is JSON's,
 * whatever the type.
 * @param {string} cell
 * @param {CellType} type
 * @param {boolean} isOwn
 */
export function typedValue(cell, type, isOwn) {
  if (isOwn && cell === "null") return null;
  if (type === "json") return cellValue(cell);
  if (type === "text") return cell.startsWith('"') ? unquoted(cell) : cell;
  if (type === "boolean" && BOOLEAN.test(cell)) return cell.toLowerCase() === "true";
  const value = type === "number" ? cellValue(cell) : undefined;
  if (value instanceof Digits) return value;
  throw new WrongType(`${JSON.stringify(cell)} is no ${type}`);
}

function unquoted(cell) {
  const value = cellValue(cell);
  return typeof value === "string" ? value : cell;
}

export class WrongType extends Error {}

/** What is known of the cells of a column. */
export class Cells {
  isEmpty = true;
  areNumbers = true;
  areBooleans = true;
  areObjects = true;
  hasZip = false;

  /**
   * @param {string} cell
   * @param {boolean} isOwn whether the column has one of Roster's own names
   */
  add(cell, isOwn) {
    if (cell === "" || (isOwn && cell === "null")) return;
    this.isEmpty = false;
    this.areNumbers &&= PLAIN_NUMBER.test(cell);
    this.areBooleans &&= BOOLEAN.test(cell);
    this.areObjects &&= /^[{[]/.test(cell) && isJson(cell);
    this.hasZip ||= ZIP.test(cell);
  }

  /**
   * The type of the column; `isOwn` says that its name is one of Roster's.
   * @returns {CellType}
   */
  type(isOwn) {
    if (this.isEmpty) return "json";
    if (this.areBooleans) return "boolean";
    if (this.hasZip) return "text";
    if (isOwn || this.areObjects) return "json";
    return this.areNumbers ? "number" : "text";
  }
}
