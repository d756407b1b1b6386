//! What moves projects.

use super::{Done, Move, Moving, Places, Service, Step, Task, WholeUser};
use crate::bounds::{MAX_FENCED_MS, MOVE_PAGE_BYTES, MOVE_PAGE_USERS};
use crate::key::Project;
use crate::placement::Place;
use crate::store::{ControlStore, StoreError};
use crate::time::Timestamp;

/// Pages that are copied between two savings of how far it is.
const PAGES: u32 = 8;
/// Milliseconds of the first wait after a failure, and of the longest.
const BACK_OFF_MS: [u64; 2] = [250, 30_000];

/// The clock of a mover.
#[expect(async_fn_in_trait, reason = "a Worker has one thread: no future here needs to be Send")]
pub trait Pace {
    /// The moment.
    fn now(&self) -> Timestamp;
    /// Waits, so that others come first.
    async fn rest(&self, ms: u64);
}

/// What is to be done after a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advance {
    /// The next one.
    Next,
    /// The next one of this move, at once: callers wait.
    Urgent(Box<Move>),
    /// The same again, after so many milliseconds.
    Again(u64),
    /// Nothing: there is no move, or it has ended.
    End,
}

/// Moves projects, by what the control store says of each.
///
/// Two of them may be at work on one project, as after a restart: of two that save a step, one is refused and does nothing more.
#[derive(Debug)]
pub struct Mover<'a, C, P, T> {
    /// Keeps how far each move is.
    pub control: &'a C,
    /// Where users are, and where they go.
    pub places: &'a P,
    /// The clock.
    pub pace: &'a T,
}

/// What came of a step.
type Outcome = Result<Move, Trouble>;

/// Why a step did not end.
enum Trouble {
    /// A store failed.
    Store(StoreError),
    /// A place answered what was not asked.
    Unfit,
    /// The two places differ.
    Differ,
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Trouble::Store(error)
    }
}

impl Trouble {
    fn cause(self) -> String {
        match self {
            Trouble::Store(error) => error.to_string(),
            Trouble::Unfit => "a place refused what a move needs".into(),
            Trouble::Differ => "the new place differs from the old one".into(),
        }
    }
}

impl<C: ControlStore, P: Places, T: Pace> Mover<'_, C, P, T> {
    /// Does one step of a project's move, which is as far as `now` says, or else the control store. An error says that the
    /// control store could not be asked.
    pub async fn advance(&self, project: &Project, now: Option<Move>) -> Result<Advance, StoreError> {
        let now = match now {
            Some(now) => now,
            None => match self.control.find_move(project).await? {
                Some(Moving { last: Some(now), .. }) => now,
                _ => return Ok(Advance::End),
            },
        };
        if now.step.is_end() {
            return Ok(Advance::End);
        }
        let next = match self.step(project, &now).await {
            Ok(next) => next,
            Err(trouble) => self.after(&now, trouble),
        };
        if next == now {
            return Ok(Advance::Next);
        }
        if !self.control.save_move(project, Some(&now), &next, next.residence()).await? {
            return Ok(Advance::Next);
        }
        let wait = BACK_OFF_MS[0].saturating_mul(1 << next.failures.saturating_sub(1).min(16)).min(BACK_OFF_MS[1]);
        Ok(match next.failures {
            0 if next.step.is_end() => Advance::End,
            0 if next.fenced_at.is_some() => Advance::Urgent(Box::new(next)),
            0 => Advance::Next,
            _ => Advance::Again(wait),
        })
    }

    /// What comes after a step that failed: the same, or if writes have waited too long, that they go on.
    fn after(&self, now: &Move, trouble: Trouble) -> Move {
        let differs = matches!(trouble, Trouble::Differ);
        let error = Some(trouble.cause());
        if differs {
            let reached = vec![0; now.reached.len()];
            return Move { failures: 1, error, reached, ..now.then(Step::Restart) };
        }
        if self.is_late(now) && matches!(now.step, Step::Drain | Step::Switch) {
            return Move { failures: 1, error, ..now.then(Step::Lift) };
        }
        Move { failures: now.failures + 1, error, ..now.clone() }
    }

    fn is_late(&self, now: &Move) -> bool {
        now.fenced_at.is_some_and(|at| self.pace.now().as_ms() >= at + MAX_FENCED_MS)
    }

    async fn step(&self, project: &Project, now: &Move) -> Outcome {
        match now.step {
            Step::Prepare => self.prepare(project, now).await,
            Step::Copy => self.copy(project, now).await,
            Step::Drain => self.drain(project, now).await,
            Step::Switch => {
                // Nobody knows the new place yet.
                self.serve(project, now.to, Service::Serving, now.turn).await?;
                self.serve(project, now.from, Service::Left, now.turn).await?;
                Ok(Move { fenced_at: None, behind: None, ..now.then(Step::Clean) })
            }
            Step::Lift => {
                self.serve(project, now.from, Service::Leaving, now.turn).await?;
                self.serve(project, now.to, Service::Filling, now.turn).await?;
                // The error says why it is lifted.
                Ok(Move { fenced_at: None, error: now.error.clone(), ..now.then(Step::Copy) })
            }
            Step::Restart => {
                self.serve(project, now.from, Service::Leaving, now.turn).await?;
                self.serve(project, now.to, Service::Left, now.turn).await?;
                let emptied = self.empty(project, now, now.to, Step::Prepare).await?;
                // The error stays until users are copied.
                Ok(Move { fenced_at: None, error: now.error.clone(), ..emptied })
            }
            Step::Clean => self.empty(project, now, now.from, Step::Done).await,
            Step::GiveUp => {
                take_back(self.places, project, now).await?;
                Ok(now.then(Step::Undo))
            }
            Step::Undo => self.empty(project, now, now.to, Step::GivenUp).await,
            Step::Done | Step::GivenUp => Ok(now.clone()),
        }
    }

    async fn prepare(&self, project: &Project, now: &Move) -> Outcome {
        // From here on nothing empties the new place: a call of `Restart` may come late.
        self.serve(project, now.to, Service::Filling, now.turn).await?;
        let keys = self.control.revoked_keys(project).await?;
        all(self.places, project, now.to, |_| Task::Refuse { keys: keys.clone() }).await?;
        self.serve(project, now.from, Service::Leaving, now.turn).await?;
        let (total, _) = self.count(project, now.from, 0).await?;
        Ok(Move { total, ..now.then(Step::Copy) })
    }

    /// Copies some pages, with a rest after each: callers come first.
    async fn copy(&self, project: &Project, now: &Move) -> Outcome {
        let mut at = Move { failures: 0, error: None, ..now.clone() };
        for _ in 0..PAGES {
            let begun = self.pace.now().as_ms();
            let page = self.page(project, &mut at).await?;
            if !page.has_more {
                let fenced_at = Some(self.pace.now().as_ms());
                return Ok(Move { fenced_at, ..at.then(Step::Drain) });
            }
            self.pace.rest(self.pace.now().as_ms().saturating_sub(begun).min(250)).await;
        }
        Ok(at)
    }

    /// Lets writes wait, and copies all that is left. From here on nothing is added, and revisions in the new place go on behind the greatest.
    async fn drain(&self, project: &Project, now: &Move) -> Outcome {
        self.serve(project, now.from, Service::Fenced, now.turn).await?;
        let mut at = now.clone();
        let end = loop {
            if self.is_late(now) {
                return Err(StoreError::Unavailable("too much is left to copy".into()).into());
            }
            let page = self.page(project, &mut at).await?;
            if !page.has_more {
                break page;
            }
        };
        at.floor = end.latest.iter().copied().max().unwrap_or(0);
        let (old, new) = (self.count(project, now.from, at.floor).await?, self.count(project, now.to, at.floor).await?);
        if old != new {
            return Err(Trouble::Differ);
        }
        let (parts, floor) = (now.to.storage.parts(), at.floor);
        all(self.places, project, now.to, |part| {
            let of_part = (0..).zip(&end.forgotten).filter(|(old, _): &(u8, _)| {
                let common = parts.min(now.from.storage.parts());
                old % common == part % common
            });
            Task::Continue { floor, forgotten: of_part.map(|(_, forgotten)| *forgotten).max().unwrap_or(0) }
        })
        .await?;
        Ok(at.then(Step::Switch))
    }

    /// Copies a page of each part of the old place, and notes how far that is.
    async fn page(&self, project: &Project, at: &mut Move) -> Result<Page, Trouble> {
        let parts = at.from.storage.parts();
        let (limit, max_bytes) = (MOVE_PAGE_USERS / u32::from(parts), MOVE_PAGE_BYTES / usize::from(parts));
        let show =
            (0..).zip(&at.reached).map(|(part, behind)| (part, Task::Show { behind: *behind, limit, max_bytes }));
        let shown = self.places.ask(project, at.from, show.collect()).await?;
        let mut page = Page { has_more: false, latest: Vec::new(), forgotten: Vec::new() };
        let mut adopted: Vec<Vec<WholeUser>> = (0..at.to.storage.parts()).map(|_| Vec::new()).collect();
        let mut reached = at.reached.clone();
        let mut copied_until = None;
        for (reached, done) in reached.iter_mut().zip(shown) {
            let Done::Shown { users, has_more, latest, forgotten } = done else { return Err(Trouble::Unfit) };
            *reached = users.last().map_or(*reached, |user| user.revision);
            if has_more {
                page.has_more = true;
                copied_until = Some(copied_until.map_or(*reached, |until: u64| until.min(*reached)));
            }
            page.latest.push(latest);
            page.forgotten.push(forgotten);
            for user in users {
                adopted[usize::from(at.to.storage.part_of(&user.external_id))].push(user);
            }
        }
        at.copied += adopted.iter().map(|users| users.len() as u64).sum::<u64>();
        let adopt = (0..).zip(adopted).filter(|(_, users)| !users.is_empty());
        let adopt: Vec<_> = adopt.map(|(part, users)| (part, Task::Adopt(users))).collect();
        if !adopt.is_empty() {
            all_done(&self.places.ask(project, at.to, adopt).await?)?;
        }
        at.behind = copied_until.map(|until| self.pace.now().as_ms().saturating_sub(until / 1000));
        at.reached = reached;
        Ok(page)
    }

    async fn empty(&self, project: &Project, now: &Move, place: Place, end: Step) -> Outcome {
        let generation = now.to.generation;
        let tasks = (0..place.storage.parts()).map(|part| (part, Task::Empty { generation })).collect();
        let emptied = self.places.ask(project, place, tasks).await?;
        if emptied.iter().any(|done| !matches!(done, Done::Emptied(_))) {
            return Err(Trouble::Unfit);
        }
        let is_empty = emptied.iter().all(|done| matches!(done, Done::Emptied(true)));
        Ok(if is_empty { now.then(end) } else { Move { failures: 0, error: None, ..now.clone() } })
    }

    /// The users of all parts of a place.
    async fn count(&self, project: &Project, place: Place, latest: u64) -> Result<(u64, u64), Trouble> {
        let tasks = (0..place.storage.parts()).map(|part| (part, Task::Count { latest })).collect();
        let mut all = (0, 0);
        for counted in self.places.ask(project, place, tasks).await? {
            let Done::Counted { users, sum } = counted else { return Err(Trouble::Unfit) };
            all = (all.0 + users, all.1 + sum);
        }
        Ok(all)
    }

    async fn serve(&self, project: &Project, place: Place, service: Service, turn: u64) -> Result<(), Trouble> {
        all(self.places, project, place, |_| Task::Serve { service, turn }).await
    }
}

/// Has each part of a place do a task.
async fn all<P: Places>(places: &P, project: &Project, place: Place, task: impl Fn(u8) -> Task) -> Result<(), Trouble> {
    let tasks = (0..place.storage.parts()).map(|part| (part, task(part))).collect();
    all_done(&places.ask(project, place, tasks).await?)
}

/// From here on the new place takes nothing, and the old one everything.
async fn take_back<P: Places>(places: &P, project: &Project, now: &Move) -> Result<(), Trouble> {
    let turn = now.turn;
    all(places, project, now.to, |_| Task::Serve { service: Service::Left, turn }).await?;
    all(places, project, now.from, |_| Task::Serve { service: Service::Serving, turn }).await
}

/// Gives up a project's move: nothing is copied after the answer, and writes go on. Answers the move as it is then; if it
/// can't be given up any more, or has ended, as it was. None: there is none.
pub async fn give_up<C: ControlStore, P: Places>(
    control: &C,
    places: &P,
    project: &Project,
) -> Result<Option<Move>, StoreError> {
    loop {
        let Some(Moving { last: Some(now), .. }) = control.find_move(project).await? else { return Ok(None) };
        let given_up = match now.step {
            // A call before may have been cut short.
            Step::GiveUp => now,
            step if step.can_be_given_up() => {
                let next = now.then(Step::GiveUp);
                if !control.save_move(project, Some(&now), &next, next.residence()).await? {
                    // The mover has gone on meanwhile.
                    continue;
                }
                next
            }
            _ => return Ok(Some(now)),
        };
        return match take_back(places, project, &given_up).await {
            Ok(()) => Ok(Some(given_up)),
            Err(Trouble::Store(error)) => Err(error),
            Err(trouble) => Err(StoreError::Unavailable(trouble.cause())),
        };
    }
}

/// What a page said of each part of the old place.
struct Page {
    has_more: bool,
    latest: Vec<u64>,
    forgotten: Vec<u64>,
}

fn all_done(done: &[Done]) -> Result<(), Trouble> {
    if done.iter().all(|done| *done == Done::Done) { Ok(()) } else { Err(Trouble::Unfit) }
}
