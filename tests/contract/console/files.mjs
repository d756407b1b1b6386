// Files: import and export.

import { leaving } from "./visit.mjs";

export async function importing(visit) {
  const { page, see, press, choose, view, downloaded, chooseFile, dropFile, seen, textOf, shows } = visit;
  await press("Import");
  await see("Drop a file here");
  await view("import");
  const rows = Array.from(
    { length: 1100 },
    (_, i) => `imp_${i},${i === 7 ? "not an address" : `i${i}@example.com`},1.10,"Name, ${i}",x`,
  );
  await dropFile("people.csv", `id,E-Mail,properties.price,Full name,junk\n${rows.join("\n")}\nshort,row\n`);
  await see("What will be sent");
  await choose("Place of junk", "skip");
  await shows(".records", '"Full name": "Name, 0"');
  await see("2 are refused");
  await view("import-map");
  seen.mapping = await textOf(".records pre");
  await press("Import 1,099 users");
  await see("1,099 stored");
  await see("Correct those that were refused");
  await view("import-done");
  await press("Download to correct");
  seen.refused = await downloaded("people.refused.csv");
  await press("Import another file");
  await chooseFile("more.ndjson", `{"user_id":"imp_7","properties":{"n":12345678901234567890123}}\n`);
  await press("Import 1 user");
  await see("1 user stored");
  await press("Import another file");
  await chooseFile("wrong.xlsx", Buffer.from("PK\x03\x04"));
  await see("this is a workbook");
  await chooseFile("wrong.csv", Buffer.from("user_id;properties.name\nold;J\xf6rg\n", "latin1"));
  await see("line 2 is not UTF-8");
  await view("import-wrong");
  await press("Read it as Windows-1252");
  await shows(".records", "Jörg");
  await press("Another file");
  await chooseFile("quotes.csv", 'user_id,name\nq1,"John\nq2,Jane\n');
  await see("The quote that opens in line 2 is never closed");
  await press("Another file");
  await chooseFile("joined.json", '[{"user_id":"j1"}]\n[{"user_id":"j2"}]\n');
  await see("line 2: a second value after the list's end");
  await press("Another file");
  await mailchimp(visit);
  await chooseFile("exported.csv", "user_id,email\n1.23457E+17,\n'exp|1,'exp@example.com\n");
  await see("1 row with a user id such as 1.23457E+17");
  await view("import-doubts");
  seen.offered = await page.$$eval("fieldset label.check", (labels) => {
    for (const label of labels) if (/Drop the apostrophe/.test(label.innerText)) label.click();
    return labels.map((label) => label.innerText.trim());
  });
  await shows(".records", '"exp|1"');
  await press("Import 1 user");
  await see("1 user stored");
  await press("Download to correct");
  seen.refusedId = await downloaded("exported.refused.csv");
  await press("Import another file");
  await largeFile(visit);
}

/** A file of another product: its columns are placed, its phones are chosen for, and leaving while it is sent asks. */
async function mailchimp(visit) {
  const { page, see, press, fill, view, forge, chooseFile, seen, shows } = visit;
  const people = Array.from({ length: 3 }, (_, i) => `mc${i}@example.com,Ann,(617) 555-010${i},0213${i},L${i},E${i}`);
  await chooseFile("members.csv", `Email Address,First Name,Phone Number,ZIP,LEID,EUID\n${people.join("\n")}\n`);
  await see("An export of Mailchimp");
  await see("3 phones in another form");
  await see("3 are refused");
  await page.$$eval("input[name=phones]", ([, , keep]) => keep.click());
  await fill("Country code of phones without one", "1");
  await see("3 tidied, 0 kept as text");
  await shows(".records", '"ZIP": "02130"');
  await view("import-product");
  await forge((request) => (request.method() === "POST" ? { after_ms: 60_000 } : undefined));
  await press("Import 3 users");
  await see("0 of 3 users");
  seen.leaving = await leaving(visit);
  await see("0 of 3 users");
  await forge();
  await press("Cancel");
  await press("Import another file");
}

/** How long a key waits while a large file is read, in milliseconds. */
async function largeFile(visit) {
  const { page, see, press, fill, chooseFile, seen, isThere, shows } = visit;
  const row = (i) =>
    `big_${i},i${i}@example.com,"Name, ${i}",${i % 97}.50,TRUE,0${1000 + (i % 8999)},${"text ".repeat(17)}`;
  const rows = Array.from({ length: 100_000 }, (_, i) => row(i)).join("\n");
  await page.evaluate(() => {
    window.longest = 0;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
    }).observe({ type: "longtask" });
  });
  const begun = Date.now();
  await chooseFile("large.csv", `id,E-Mail,Full name,price,active,zip,note\n${rows}\n`);
  await isThere(".records li");
  seen.previewMs = Date.now() - begun;
  await see("Import 100,000 users");
  await fill("Name of note in properties", "remark");
  await shows(".records", '"remark"');
  await see("Import 100,000 users");
  seen.longestTaskMs = await page.evaluate(() => window.longest);
  await press("Another file");
}

export async function exporting(visit) {
  const { page, see, press, fill, choose, view, forge, downloaded, seen, project } = visit;
  await press("Export");
  await view("export");
  await press("Export as a file");
  await see("people exported");
  const lines = (await downloaded(`${project}.ndjson`)).split("\n");
  seen.ndjson = lines.find((line) => line.includes('"ada"'));
  await page.$$eval("input[type=radio]", ([, csv]) => csv.click());
  await fill("Only these columns", "user_id, zip");
  await see('There is no "zip".');
  await view("export-columns");
  await fill("Only these columns", "properties.plan, user_id");
  await press("Choose of the names in use");
  await press("updated_at");
  await press("Only those who match…");
  await fill("Field", "properties.plan");
  await choose("Test", "eq");
  await fill("Value", "pro");
  await view("export-some");
  await forge((request) => (request.url().endsWith("/v1/users/query") ? { after_ms: 60_000 } : undefined));
  await press("Export as a file");
  await see("0 people read so far");
  seen.leavingExport = await leaving(visit);
  await see("0 people read so far");
  await forge();
  await press("Cancel");
  await see("No file was saved");
  await press("Export as a file");
  const csv = (await downloaded(`${project}.csv`)).trim().split("\n");
  seen.csv = [csv[0], new Set(csv.slice(1).map((line) => line.split(",")[0])).size, csv.length - 1];
  await page.$$eval("input[type=radio]", ([, , spreadsheet]) => spreadsheet.click());
  await press("Remove condition 1");
  await fill("Only these columns", " ");
  await press("Export as a file");
  seen.spreadsheet = (await downloaded(`${project}.spreadsheet.csv`)).slice(0, 47);
}
