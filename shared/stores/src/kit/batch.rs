//! Asks for each key once, though several declarations want it.

use pawl_ports::{Error, Wanted};
use std::collections::BTreeMap;

/// The distinct of many that are wanted, and the place of each of the many among them.
#[derive(Debug)]
pub struct Batch {
    /// What is wanted, each once, in the order in which it is first wanted.
    pub distinct: Vec<Wanted>,
    places: Vec<usize>,
}

impl Batch {
    /// Of these.
    pub fn of(wanted: &[Wanted]) -> Self {
        let (mut first, mut distinct) = (BTreeMap::new(), Vec::new());
        let mut place_of = |one| {
            *first.entry(one).or_insert_with(|| {
                distinct.push(Wanted::clone(one));
                distinct.len() - 1
            })
        };
        let places = wanted.iter().map(&mut place_of).collect();
        Self { distinct, places }
    }

    /// One answer for each of the many, of one for each of the distinct; or the one failure, for each.
    pub fn answers<T: Clone>(&self, answers: Result<Vec<Result<T, Error>>, Error>) -> Vec<Result<T, Error>> {
        let answer = |place: &usize| match &answers {
            Ok(answers) => shared(&answers[*place]),
            Err(error) => Err(error.shared()),
        };
        self.places.iter().map(answer).collect()
    }
}

fn shared<T: Clone>(answer: &Result<T, Error>) -> Result<T, Error> {
    match answer {
        Ok(found) => Ok(found.clone()),
        Err(error) => Err(error.shared()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pawl_domain::{Kind, Step, VersionSelector};
    use pawl_ports::Part;

    #[test]
    fn each_key_is_asked_for_once_and_each_asker_gets_its_answer() {
        let wanted = |key: &str, selector| Wanted { key: key.to_owned(), selector, part: Part::Value };
        let previous = VersionSelector::Label("AWSPREVIOUS".to_owned());
        let all = [
            wanted("a", VersionSelector::Current),
            wanted("b", VersionSelector::Current),
            wanted("a", VersionSelector::Current),
            wanted("a", previous),
        ];
        let batch = Batch::of(&all);
        assert_eq!(batch.distinct, [all[0].clone(), all[1].clone(), all[3].clone()]);

        let denied = || Error::new(Step::Fetch, Kind::Denied, "no");
        let told = |answers: Vec<Result<u8, Error>>| -> Vec<Option<u8>> {
            answers.into_iter().map(Result::ok).collect()
        };
        assert_eq!(
            told(batch.answers(Ok(vec![Ok(1), Err(denied()), Ok(3)]))),
            [Some(1), None, Some(1), Some(3)]
        );
        assert_eq!(told(batch.answers(Err(denied()))), [None; 4]);
    }
}
