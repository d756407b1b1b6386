//! How far a move is.

use crate::placement::{Phase, Place, Residence, Storage};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Where a project's users are, and the last move of the project, if it was ever moved.
#[derive(Clone, Debug)]
pub struct Moving {
    /// Where they are.
    pub residence: Residence,
    /// The last move, which may have ended.
    pub last: Option<Move>,
}

/// A move, and how far it is. Its serialised form is stored, and outlives deploys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// From where.
    pub from: Place,
    /// Where to.
    pub to: Place,
    /// What is to be done next.
    pub step: Step,
    /// When it began, in milliseconds.
    pub since: u64,
    /// When writes began to wait, in milliseconds, if they do.
    pub fenced_at: Option<u64>,
    /// The number of the last change of service: see [`Task::Serve`](super::Task::Serve).
    pub turn: u64,
    /// The greatest revision copied, of each part of the old place.
    pub reached: Vec<u64>,
    /// How many users were copied; who changes meanwhile counts again.
    pub copied: u64,
    /// How many there were when it began.
    pub total: u64,
    /// The age of the latest change that is copied, in milliseconds. None: nothing is known to be left.
    pub behind: Option<u64>,
    /// The revision behind which the new place goes on; 0 until that is known.
    pub floor: u64,
    /// How often the step has failed in a row.
    pub failures: u32,
    /// Why it failed last.
    pub error: Option<String>,
}

/// A step of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The new place is made, with the revoked keys.
    Prepare,
    /// The changes of the old place are followed, from the first.
    Copy,
    /// The old place takes no writes any more, the last changes are copied, and both places compared.
    Drain,
    /// The old place serves nobody any more; then the project is in the new one.
    Switch,
    /// The old place is emptied.
    Clean,
    /// It is over.
    Done,
    /// The step before has taken too long: the old place takes writes again.
    Lift,
    /// The places differ: the old one takes writes again, and the new one is emptied, to be filled anew.
    Restart,
    /// It was given up: the old place takes writes again, and the new one nothing.
    GiveUp,
    /// The new place is emptied.
    Undo,
    /// It was given up, and nothing is left of it.
    GivenUp,
}

impl Step {
    /// Whether the new place may be filled.
    pub(in crate::store) fn fills(self) -> bool {
        matches!(self, Step::Prepare | Step::Copy | Step::Drain | Step::Lift)
    }

    /// Whether the move can be given up.
    pub(in crate::store) fn can_be_given_up(self) -> bool {
        self.fills() || self == Step::Restart
    }

    /// Whether the project is on its way.
    pub fn moves(self) -> bool {
        self.can_be_given_up() || self == Step::Switch
    }

    /// Whether the move has ended.
    pub fn is_end(self) -> bool {
        matches!(self, Step::Done | Step::GivenUp)
    }

    /// What callers need to know of it.
    fn phase(self) -> Phase {
        match self {
            Step::Prepare | Step::Copy | Step::Lift | Step::Restart => Phase::Copying,
            Step::Drain | Step::Switch => Phase::Switching,
            Step::Clean | Step::Done | Step::GiveUp | Step::Undo | Step::GivenUp => Phase::Settled,
        }
    }
}

impl Move {
    /// The move of a project from where it is to another storage, which is a place of its own.
    pub fn begin(moving: &Moving, to: Storage, now: Timestamp) -> Self {
        let from = moving.residence.place;
        let used = moving.last.as_ref().map_or(0, |last| last.to.generation);
        let generation = used.max(from.generation) + 1;
        Move {
            from,
            to: Place { storage: to, generation },
            step: Step::Prepare,
            since: now.as_ms(),
            fenced_at: None,
            // Above all turns of earlier moves.
            turn: u64::from(generation) << 20,
            reached: vec![0; from.storage.parts().into()],
            copied: 0,
            total: 0,
            behind: None,
            floor: 0,
            failures: 0,
            error: None,
        }
    }

    /// The same one step further on.
    pub(super) fn then(&self, step: Step) -> Self {
        Move { step, turn: self.turn + 1, failures: 0, error: None, ..self.clone() }
    }

    /// Where the project's users are at this step.
    pub fn residence(&self) -> Residence {
        let place = if matches!(self.step, Step::Clean | Step::Done) { self.to } else { self.from };
        Residence { place, phase: self.step.phase() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;
    use crate::placement::Placement;

    #[test]
    fn the_stored_form_of_a_move_is_pinned() {
        let moving = Moving { residence: Residence::default(), last: None };
        let storage = Storage::Objects(Placement::default());
        let begun = Move::begin(&moving, storage, Timestamp::from_ms(5));
        let form = r#"{"from":{"storage":{"kind":"d1"},"generation":0},"to":{"storage":{"kind":"objects","buckets":1,"jurisdiction":null,"location":null},"generation":1},"step":"prepare","since":5,"fenced_at":null,"turn":1048576,"reached":[0],"copied":0,"total":0,"behind":null,"floor":0,"failures":0,"error":null}"#;
        assert_eq!(serde_json::to_string(&begun).unwrap(), form);
        assert_eq!(json::from_str::<Move>(form).unwrap(), begun);
        for (step, form) in [
            (Step::Copy, "copy"),
            (Step::Drain, "drain"),
            (Step::Switch, "switch"),
            (Step::Clean, "clean"),
            (Step::Done, "done"),
            (Step::Lift, "lift"),
            (Step::Restart, "restart"),
            (Step::GiveUp, "give_up"),
            (Step::Undo, "undo"),
            (Step::GivenUp, "given_up"),
        ] {
            assert_eq!(serde_json::to_string(&step).unwrap(), format!("\"{form}\""));
        }
    }

    #[test]
    fn a_place_is_used_once() {
        let mut moving = Moving { residence: Residence::default(), last: None };
        for generation in 1..4 {
            let begun = Move::begin(&moving, Storage::D1, Timestamp::from_ms(0));
            assert_eq!((begun.from.generation, begun.to.generation), (0, generation));
            moving.last = Some(Move { step: Step::GivenUp, ..begun });
        }
    }
}
