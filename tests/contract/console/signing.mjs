// Signing in by the keyboard alone, and out.

/**
 * What the page puts off to its next frame waits for a second, so that what is seen can be held against what is done.
 */
async function holdTimers(visit) {
  const { page } = visit;
  await page.evaluate(() => {
    const [timer, frame] = [window.setTimeout, window.requestAnimationFrame];
    window.requestAnimationFrame = () => 0;
    const later = (run, ms = 0, ...rest) => timer(run, ms + 1000, ...rest);
    Object.assign(window, { setTimeout: later });
    window.release = () => Object.assign(window, { setTimeout: timer, requestAnimationFrame: frame });
  });
  return () => page.evaluate(() => void window.release());
}

/** By the keyboard alone. */
export async function signingIn(visit) {
  const { page, until, see, look, view, seen, type, signIn, url, key } = visit;
  await look(1280, "light");
  await page.goto(`${url}/console`);
  await see("Roster console");
  await view("sign-in");
  await signIn("API key or admin token", "ros_wrong");
  await see("neither a key nor the admin token");
  await view("sign-in-refused");
  await page.reload();
  await until(() => window.operator.control("Sign in"));
  const release = await holdTimers(visit);
  await type("Tab");
  await page.keyboard.sendCharacter(key);
  await type("Tab");
  await type("Tab");
  await type("Enter");
  await see("Everybody in this project");
  seen.storage = await page.evaluate(() => [
    localStorage.length,
    Object.keys(sessionStorage).join(),
    location.href.includes("ros_"),
    document.cookie,
  ]);
  await release();
}

export async function signingOut(visit) {
  const { page, see, press, seen } = visit;
  await press("Sign out");
  await see("API key or admin token");
  seen.left = await page.evaluate(() => sessionStorage.length);
}
