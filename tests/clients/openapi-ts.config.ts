export default { output: { path: "hey-api", module: { extension: ".ts" } } };
