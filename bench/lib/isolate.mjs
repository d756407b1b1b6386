// What the Worker's isolate holds, told by workerd's inspector.

import { execFileSync } from "node:child_process";

const PATIENCE_MS = 10_000;

/** Connects to the inspector of the Worker, which was started with an `inspectorPort` and has served a call. */
export async function inspect(miniflare) {
  const list = new URL("/json", await miniflare.getInspectorURL());
  list.protocol = "http:";
  const targets = await (await fetch(list)).json();
  const socket = new WebSocket(targets.find(({ id }) => id.startsWith("core:user:")).webSocketDebuggerUrl);
  const waiting = new Map();
  let sent = 0;
  const context = new Promise((resolve) => {
    socket.onmessage = ({ data }) => {
      const { id, result, error, method, params } = JSON.parse(data);
      if (method === "Runtime.executionContextCreated") resolve(params.context.id);
      if (error) throw new Error(error.message);
      waiting.get(id)?.(result);
      waiting.delete(id);
    };
  });
  await new Promise((resolve, reject) => Object.assign(socket, { onopen: resolve, onerror: reject }));
  const send = (method, params = {}) =>
    new Promise((resolve, reject) => {
      const id = ++sent;
      waiting.set(id, resolve);
      socket.send(JSON.stringify({ id, method, params }));
      setTimeout(() => reject(new Error(`the inspector did not answer ${method}`)), PATIENCE_MS).unref();
    });
  // Only for the context's id: enabled, it would tell of every line of the log.
  await send("Runtime.enable");
  const contextId = await context;
  await send("Runtime.disable");

  /** Bytes that live, in the heap and in WebAssembly's memory, and those that are resident in the whole runtime. */
  return async function measure() {
    const objectGroup = "measure";
    const { result } = await send("Runtime.evaluate", {
      contextId,
      objectGroup,
      expression: "WebAssembly.Memory.prototype",
    });
    // Collects the garbage first, to find only what lives.
    const { objects } = await send("Runtime.queryObjects", { objectGroup, prototypeObjectId: result.objectId });
    const sizes = await send("Runtime.callFunctionOn", {
      objectId: objects.objectId,
      returnByValue: true,
      functionDeclaration: "function () { return this.map((memory) => memory.buffer.byteLength); }",
    });
    await send("Runtime.releaseObjectGroup", { objectGroup });
    const { usedSize, embedderHeapUsedSize, backingStorageSize } = await send("Runtime.getHeapUsage");
    const wasm = sizes.result.value.reduce((sum, bytes) => sum + bytes, 0);
    return { heap: usedSize + embedderHeapUsedSize + backingStorageSize, wasm, resident: resident() };
  };
}

function resident() {
  const lines = execFileSync("ps", ["-axo", "ppid=,rss=,comm="], { encoding: "utf8" }).trim().split("\n");
  const processes = lines.map((line) => line.trim().split(/\s+/));
  const runtimes = processes.filter(([parent, , name]) => Number(parent) === process.pid && name.endsWith("workerd"));
  return runtimes.reduce((sum, [, kilobytes]) => sum + Number(kilobytes) * 1024, 0);
}
