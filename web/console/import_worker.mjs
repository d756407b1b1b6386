// The worker thread that holds the file of an import: it answers each message `{id, task, with}` with `{id, done}`, or with
// `{id, failed}`. A survey says `{id, news}` on its way, and ends when the next one begins.

import { ImportFile } from "./data/import_file.mjs";

const file = new ImportFile();
let latestSurvey = 0;

const turn = new MessageChannel();
/** Lets messages in that wait. */
const breathe = () =>
  new Promise((resolve) => {
    turn.port1.onmessage = resolve;
    turn.port2.postMessage(undefined);
  });

/** @type {Record<string, (with_: any, id: number) => unknown>} */
const TASKS = {
  open: async ({ file: chosen, encoding }) =>
    file.open(chosen.name, new Uint8Array(await chosen.arrayBuffer()), encoding),
  survey(plan, id) {
    latestSurvey = id;
    return file.survey(plan, async (news) => {
      postMessage({ id, news });
      await breathe();
      return id !== latestSurvey;
    });
  },
  start: () => file.start(),
  next: () => file.next(),
  settle: ({ errors }) => file.settle(errors),
  refused: () => file.refused(),
  example: () => file.example(),
};

addEventListener("message", async ({ data: { id, task, with: what } }) => {
  try {
    postMessage({ id, done: await TASKS[task](what, id) });
  } catch (error) {
    postMessage({ id, failed: { message: error.message, needsEncoding: error.needsEncoding ?? false } });
  }
});
