// biome-ignore-all lint/a11y/noRedundantRoles: the style of a phone makes cards of rows, and takes their roles away

// A table, and what stands in a cell without a value.

/** @import { ComponentChildren } from "preact" */

/** @typedef {{ label: string, cell: (row: any) => ComponentChildren, kind?: string | undefined }} Column */

/**
 * A table that becomes a list of cards on a phone.
 * @param {{ label: string, columns: Column[], rows: any[], id: (row: any) => string | number }} props
 */
export function Table({ label, columns, rows, id }) {
  return (
    <table role="table" aria-label={label}>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map(({ label, kind }) => (
            <th role="columnheader" scope="col" key={label} class={kind}>
              {label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr role="row" key={id(row)}>
            {columns.map(({ label, cell, kind }) => (
              <td role="cell" key={label} data-label={label} class={kind}>
                <div>{cell(row)}</div>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export const None = () => (
  <span class="none" role="img" aria-label="none">
    –
  </span>
);
