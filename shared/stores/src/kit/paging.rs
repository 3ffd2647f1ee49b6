//! Follows the pages of a list: no page twice, and a bounded number of them.

use super::Call;
use pawl_domain::Kind;
use pawl_ports::Error;
use std::collections::BTreeSet;

/// The pages of one listing. A page is named by what asks for it: a number, an offset, a cursor.
///
/// ```
/// # use pawl_stores::kit::{Call, Pages, Server};
/// # fn ask(page: &str) -> Option<String> { (page != "3").then(|| "3".to_owned()) }
/// # fn all(call: Call<'_>) -> Result<(), pawl_ports::Error> {
/// let mut pages = Pages::from(call, "1", 1000);
/// while let Some(page) = pages.take() {
///     let next = ask(&page);
///     pages.then(next)?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Pages<'a> {
    call: Call<'a>,
    next: Option<String>,
    seen: BTreeSet<String>,
    most: usize,
}

impl<'a> Pages<'a> {
    /// A listing that begins with this page and has `most` at most.
    pub fn from(call: Call<'a>, first: &str, most: usize) -> Self {
        Self { call, next: Some(first.to_owned()), seen: BTreeSet::new(), most }
    }

    /// The page to ask for; `None` when all were read.
    pub fn take(&mut self) -> Option<String> {
        let next = self.next.take()?;
        self.seen.insert(next.clone());
        Some(next)
    }

    /// What the page says comes after it.
    ///
    /// # Errors
    /// `Transient` when it is a page that was read, for the listing would never end; `Invalid` when there are too many.
    pub fn then(&mut self, next: Option<String>) -> Result<(), Error> {
        let Some(next) = next.filter(|next| !next.is_empty()) else { return Ok(()) };
        if self.seen.contains(&next) {
            let what = "the listing leads back to a page that it gave already; ask again later";
            return Err(self.call.error(Kind::Transient, what));
        }
        if self.seen.len() >= self.most {
            let most = self.most;
            let what = format_args!("the listing has more than {most} pages; read a store that holds less");
            return Err(self.call.error(Kind::Invalid, what));
        }
        self.next = Some(next);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::Server;
    use pawl_domain::{Provider, Step};

    fn pages(most: usize) -> Pages<'static> {
        let server = Server { provider: Provider::Fake, address: "https://a", field: "url" };
        Pages::from(Call { step: Step::Fetch, server, action: "list", subject: "all" }, "a", most)
    }

    #[test]
    fn listings_end() {
        let follow = |most: usize, leads: &[(&str, &str)]| -> Result<Vec<String>, Kind> {
            let (mut pages, mut read) = (pages(most), Vec::new());
            while let Some(page) = pages.take() {
                let next = leads.iter().find(|(from, _)| *from == page).map(|(_, to)| (*to).to_owned());
                read.push(page);
                pages.then(next).map_err(|error| error.kind)?;
            }
            Ok(read)
        };
        assert_eq!(follow(9, &[]), Ok(vec!["a".to_owned()]));
        assert_eq!(follow(9, &[("a", "b"), ("b", "c"), ("c", "")]).map(|read| read.len()), Ok(3));
        assert_eq!(follow(9, &[("a", "a")]), Err(Kind::Transient));
        assert_eq!(follow(9, &[("a", "b"), ("b", "c"), ("c", "b")]), Err(Kind::Transient));
        assert_eq!(follow(2, &[("a", "b"), ("b", "c")]), Err(Kind::Invalid));
        assert_eq!(follow(2, &[("a", "b")]).map(|read| read.len()), Ok(2));
    }
}
