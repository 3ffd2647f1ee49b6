use super::{Complaint, Failure, Kind, Step};
use std::fmt;

/// The stable code of a failure, as in `PAWL-FETCH-DENIED`: the step and the kind, or the rule that refused. Each has an entry in
/// `docs/errors.md`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Code {
    step: Step,
    kind: Kind,
    complaint: Complaint,
}

impl Code {
    /// The code of a failure of this step and kind, of which the Ready condition says this.
    pub fn of(step: Step, kind: Kind, complaint: Complaint) -> Self {
        Self { step, kind, complaint }
    }
}

impl Failure {
    /// The stable code.
    pub fn code(&self) -> Code {
        Code::of(self.step, self.kind, self.complaint)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Complaint::Refused(rule) = self.complaint {
            return f.write_str(rule.code());
        }
        let code = format!("PAWL-{}-{}", self.step, self.kind);
        f.write_str(&code.to_ascii_uppercase())
    }
}
