//! Promise 8 under `kill -9`: who follows the changes has what an export has, and meets nothing older after something newer.

use roster::time::Timestamp;
use roster_harness::server::{Server, State};
use roster_harness::{ADMIN_TOKEN, Answer, Client, Lasting, Project, in_ms};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;

const KILLS: usize = 10;
const WRITERS: usize = 32;
/// Answers between two kills, at least.
const ANSWERS: usize = 96;

fn send(project: &Project<Server>, method: &str, path: &str, body: &str) -> Result<Answer, ureq::Error> {
    project.server.try_send(method, path, &[("Authorization", &format!("Bearer {}", project.key))], body)
}

/// A client whose bodies count up, in a property of its own.
struct Writer {
    name: String,
    random: fastrand::Rng,
    count: usize,
}

impl Writer {
    fn new(number: usize) -> Self {
        Writer { name: format!("w{number}"), random: fastrand::Rng::new(), count: 0 }
    }

    /// Of a few that all write to, or of its own.
    fn any_user(&mut self) -> String {
        let number = self.random.usize(..3);
        if self.random.bool() { format!("shared-{number}") } else { format!("{}-{number}", self.name) }
    }

    fn any_body(&mut self) -> Value {
        self.count += 1;
        let mut body = json!({"user_id": self.any_user(), "properties": {&*self.name: self.count}});
        match self.random.u8(..4) {
            0 => body["as_of"] = Timestamp::from_ms(in_ms(0).as_ms() - self.random.u64(..400)).to_string().into(),
            1 => body["email"] = format!("{}@example.com", self.name).into(),
            _ => {}
        }
        body
    }

    /// What stands in a batch.
    fn any_entry(&mut self) -> Value {
        match self.random.u8(..4) {
            0 => json!({"user_id": self.any_user(), "delete": true}),
            _ => self.any_body(),
        }
    }

    /// Makes a call of some kind.
    fn write(&mut self, project: &Project<Server>) -> Result<Answer, ureq::Error> {
        match self.random.u8(..8) {
            0..2 => send(project, "DELETE", &format!("/v1/users/{}", self.any_user()), ""),
            2 => {
                let users: Vec<Value> = (0..self.random.usize(2..12)).map(|_| self.any_entry()).collect();
                send(project, "POST", "/v1/users/batch", &json!({"users": users}).to_string())
            }
            _ => send(project, "POST", "/v1/users", &self.any_body().to_string()),
        }
    }
}

#[derive(Deserialize)]
struct PageOfChanges {
    changes: Vec<Change>,
    pagination: Pagination,
}

#[derive(Deserialize)]
struct PageOfUsers {
    users: Vec<Box<RawValue>>,
    pagination: Pagination,
}

#[derive(Deserialize)]
struct Pagination {
    has_more: bool,
    next_cursor: Option<String>,
}

/// With the user, or with the id of one who was deleted.
#[derive(Deserialize)]
struct Change {
    external_id: String,
    user: Option<Box<RawValue>>,
    user_id: Option<String>,
}

/// What an entry says of when it is from.
#[derive(Deserialize)]
struct User {
    #[serde(rename = "user_id")]
    id: String,
    external_id: String,
    updated_at: String,
    properties: BTreeMap<String, usize>,
}

/// A copy of a project's users by their external ids, each as text.
type Copy = BTreeMap<String, String>;

#[derive(Default)]
struct Follower {
    limit: usize,
    cursor: String,
    copy: Copy,
    /// Of each user the last entry that was no deletion.
    met: BTreeMap<String, User>,
    /// Roster's ids of users who were deleted, or made anew since.
    past: BTreeSet<String>,
    /// Of each user and writer the greatest count.
    counts: BTreeMap<(String, String), usize>,
    deletions: usize,
}

impl Follower {
    fn new(limit: usize) -> Self {
        Follower { limit, ..Follower::default() }
    }

    /// Takes a page, and answers whether there are more. None if the Worker does not answer.
    fn page(&mut self, project: &Project<Server>) -> Option<bool> {
        let cursor = if self.cursor.is_empty() { String::new() } else { format!("&cursor={}", self.cursor) };
        let answer = send(project, "GET", &format!("/v1/changes?limit={}{cursor}", self.limit), "").ok()?;
        if answer.status >= 500 {
            return None;
        }
        assert_eq!(answer.status, 200, "{}", answer.text);
        let page: PageOfChanges = serde_json::from_str(&answer.text).unwrap();
        assert!(page.changes.len() <= self.limit);
        for Change { external_id, user, user_id } in page.changes {
            match user {
                Some(user) => self.meet(&external_id, &user),
                None => self.meet_deletion(&external_id, user_id.unwrap()),
            }
        }
        self.cursor = page.pagination.next_cursor.unwrap();
        Some(page.pagination.has_more)
    }

    fn meet(&mut self, external_id: &str, user: &RawValue) {
        let entry: User = serde_json::from_str(user.get()).unwrap();
        assert!(!self.past.contains(&entry.id), "{external_id} goes back to {}", entry.id);
        for (writer, count) in &entry.properties {
            let greatest = self.counts.entry((external_id.to_owned(), writer.clone())).or_default();
            assert!(*greatest <= *count, "{external_id} goes back from {greatest} to {count} of {writer}");
            *greatest = *count;
        }
        self.copy.insert(external_id.to_owned(), user.get().to_owned());
        match self.met.insert(external_id.to_owned(), entry) {
            Some(met) if met.id == self.met[external_id].id => {
                let entry = &self.met[external_id];
                assert!(met.updated_at <= entry.updated_at, "{external_id} goes back to {}", entry.updated_at);
                let keeps = |writer| entry.properties.contains_key(writer);
                assert!(met.properties.keys().all(keeps), "{external_id} goes back to {:?}", entry.properties);
            }
            met => self.past.extend(met.map(|met| met.id)),
        }
    }

    fn meet_deletion(&mut self, external_id: &str, user_id: String) {
        self.deletions += 1;
        self.copy.remove(external_id);
        self.past.extend(self.met.remove(external_id).map(|met| met.id).filter(|met| *met != user_id));
        assert!(self.past.insert(user_id), "{external_id} is deleted again");
    }
}

fn export(project: &Project<Server>) -> Copy {
    let (mut copy, mut after) = (Copy::new(), String::new());
    loop {
        let page: PageOfUsers =
            serde_json::from_str(&project.get(200, &format!("/v1/users?limit=100{after}")).text).unwrap();
        let id = |user: &RawValue| serde_json::from_str::<User>(user.get()).unwrap().external_id;
        copy.extend(page.users.iter().map(|user| (id(user), user.get().to_owned())));
        match page.pagination.next_cursor {
            Some(cursor) => after = format!("&cursor={cursor}"),
            None => return copy,
        }
    }
}

/// Has all write to projects of their choice, and follow, and kills the Worker once enough was answered.
fn kill_while_followed(server: &Server, projects: &[Lasting], writers: &mut [Writer], followers: &mut [Vec<Follower>]) {
    let killed = &AtomicBool::new(false);
    let (answered, answers) = channel();
    std::thread::scope(|threads| {
        for writer in writers {
            let answered = answered.clone();
            threads.spawn(move || {
                loop {
                    let project = &projects[writer.random.usize(..projects.len())];
                    match writer.write(&project.on(server)) {
                        Ok(answer) if answer.status == 200 => drop(answered.send(())),
                        outcome => break assert!(killed.load(Ordering::SeqCst), "{outcome:?}"),
                    }
                }
            });
        }
        drop(answered);
        for (project, followers) in projects.iter().zip(followers) {
            for follower in followers {
                threads.spawn(move || {
                    while follower.page(&project.on(server)).is_some() {}
                    assert!(killed.load(Ordering::SeqCst), "a follower has no answer");
                });
            }
        }
        assert_eq!(answers.iter().take(ANSWERS).count(), ANSWERS);
        killed.store(true, Ordering::SeqCst);
        server.send_kill();
    });
}

#[test]
fn a_follower_through_ten_kills_has_what_an_export_has_and_meets_nothing_older() {
    let variables = [("ADMIN_TOKEN", ADMIN_TOKEN), ("RATE_LIMIT", "1000000/60"), ("BATCH_RATE_LIMIT", "1000000/60")];
    let state = State::new();
    let mut server = Server::start(&state, &variables);
    let projects = [None, Some(4)].map(|buckets| server.project_in(buckets).lasting());
    let mut writers: Vec<Writer> = (0..WRITERS).map(Writer::new).collect();
    let mut followers = [(); 2].map(|()| vec![Follower::new(5), Follower::new(1000)]);
    for _ in 0..KILLS {
        kill_while_followed(&server, &projects, &mut writers, &mut followers);
        server = Server::start(&server.kill(), &variables);
    }
    for (project, followers) in projects.iter().zip(&mut followers) {
        let project = project.on(&server);
        let export = export(&project);
        for follower in followers {
            while follower.page(&project).unwrap() {}
            println!("{} users, {} deletions met by {} a page", export.len(), follower.deletions, follower.limit);
            assert!(follower.copy == export, "{:?} is not {export:?}", follower.copy);
            assert!(export.len() > WRITERS && follower.deletions > KILLS);
        }
    }
}
