// What the tests, and the scripts that they load, put into a page.

interface Window {
  [name: string]: any;
}

// Installed beside the tests of SDKs alone.
declare module "@rudderstack/rudder-sdk-node" {
  const Analytics: any;
  export default Analytics;
}
