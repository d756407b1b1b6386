// Import: a file is dropped, shown as it will be sent, and sent in batches.

import { useEffect, useState } from "preact/hooks";
import { guessAll } from "../data/columns.mjs";
import { rows } from "../data/csv.mjs";
import { isNdjson } from "../data/records.mjs";
import { Notice } from "../parts/notice.jsx";
import { Page } from "../parts/page.jsx";
import { Mapping } from "./mapping.jsx";
import { Upload, useUpload } from "./upload.jsx";

const MAX_BYTES = 200 * 1024 * 1024;

async function read(file) {
  if (file.size > MAX_BYTES)
    throw new Error("The file is larger than 200 MB. The tool `roster import` takes files of any size.");
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    throw new Error("The file is not UTF-8 text. Save it as “CSV UTF-8”.");
  }
  if (!text.trim()) throw new Error("The file is empty.");
  if (isNdjson(file.name, text)) return { name: file.name, text };
  const cells = rows(text).next().value?.cells ?? [];
  return { name: file.name, text, header: cells, targets: guessAll(cells), choices: [] };
}

export function Import() {
  const [file, setFile] = useState(/** @type {any} */ (undefined));
  const [fault, setFault] = useState(/** @type {string | undefined} */ (undefined));
  const upload = useUpload();
  useEffect(keepStrayDropsOut, []);

  async function open(chosen) {
    try {
      setFile(await read(chosen));
      setFault(undefined);
    } catch (error) {
      setFault(error.message);
    }
  }
  function startOver() {
    upload.forget();
    setFile(undefined);
  }

  return (
    <Page title="Import" lead="A CSV or NDJSON file of people. You see what will be sent before anything is.">
      {fault && (
        <Notice kind="bad" title="This file can't be read">
          {fault}
        </Notice>
      )}
      {!file && <Drop onFile={open} />}
      {file && !upload.state && (
        <Mapping file={file} setFile={setFile} onSend={(total) => upload.start(file, total)} onCancel={startOver} />
      )}
      {upload.state && <Upload upload={upload} onStartOver={startOver} />}
    </Page>
  );
}

/** A file that is dropped beside the place for it would replace the console. */
function keepStrayDropsOut() {
  const refuse = (event) => event.preventDefault();
  for (const name of ["dragover", "drop"]) addEventListener(name, refuse);
  return () => {
    for (const name of ["dragover", "drop"]) removeEventListener(name, refuse);
  };
}

function Drop({ onFile }) {
  const [isOver, setOver] = useState(false);
  const take = (files) => files?.[0] && onFile(files[0]);
  return (
    <label
      class={isOver ? "drop over" : "drop"}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        take(event.dataTransfer?.files);
      }}
    >
      <strong>Drop a file here, or choose one</strong>
      <span class="note">CSV with a header, or NDJSON: a user a line</span>
      <input
        type="file"
        accept=".csv,.ndjson,.jsonl,.json,.txt,text/csv"
        aria-label="CSV or NDJSON file"
        onChange={(event) => take(event.currentTarget.files)}
      />
    </label>
  );
}
