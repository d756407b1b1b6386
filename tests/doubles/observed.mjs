// The Worker as it was built, with an Analytics Engine data set that prints its data points, and
// a console whose errors say that they are. The header `X-Break` names a binding that fails. For tests only.

import worker from "../../src/edge/entry.js";

export { LimiterObject, MoverObject, UsersObject, WebhookObject } from "../../src/edge/entry.js";

console.error = (line) => console.log(JSON.stringify({ ...JSON.parse(line), level: "error" }));

export default {
  fetch(request, env, context) {
    const broken = request.headers.get("X-Break");
    const writeDataPoint = (point) => {
      if (broken === "ANALYTICS") throw new Error("no data point");
      console.log(JSON.stringify(point));
    };
    const bindings = { ...env, ANALYTICS: { writeDataPoint } };
    if (broken === "DB") delete bindings.DB;
    return worker.fetch(request, bindings, context);
  },
};
