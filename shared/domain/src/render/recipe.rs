//! A declaration made ready to render, and how its entries become one map.

use super::decode::{check_null_bytes, decoded, decoded_all};
use super::entries::{self, Of};
use super::error::{Entry, EntryProblem, RenderError};
use super::extract::{members, unpacked};
use super::functions::{Functions, is_random};
use super::keys::{Data, admit, convert, validate};
use super::parts;
use super::rendered::Rendered;
use super::rewrite::{self, Operation};
use super::room::{MEMBER_ROOM, Room, take_apart};
use super::select::Property;
use super::tags;
use super::template::{TemplateRecipe, TemplateSources, placed_whole};
use crate::declaration::{
    CreationPolicy, Declaration, Decoding, DeletionPolicy, Into, KeyConversion, Manifest, NullBytes, Query,
    Read,
};
use crate::item::{Item, Repeated};
use crate::provider::{Extract, Lookup};
use crate::secret::SecretValue;
use crate::values::{Fetched, Found, Values};
use pawl_golang::budget::Budget;
use pawl_golang::gjson::TooComplex;
use pawl_golang::json::DecodeError;
use std::iter;

/// All of a declaration that can be prepared before there are values: regular expressions and templates compiled,
/// paths read. One recipe serves any number of renderings, from any thread.
#[derive(Debug)]
pub struct Recipe {
    entries: Vec<Prepared>,
    /// Nothing where no template is declared, or creationPolicy None would not use it.
    template: Option<TemplateRecipe>,
    templated: bool,
    writes: bool,
    deletion: DeletionPolicy,
    random: bool,
    /// The target's kind, where it is no Secret.
    generic: Option<Manifest>,
    size: usize,
}

impl Recipe {
    /// Prepares a declaration.
    ///
    /// # Errors
    /// A regular expression or a template in the manifest does not compile, or the template may not be used. The
    /// manifest must be mended. Templates in ConfigMaps and Secrets are only read by [`Recipe::render`].
    pub fn of(declaration: &Declaration, functions: &Functions) -> Result<Self, RenderError> {
        let target = &declaration.target;
        let writes = target.creation != CreationPolicy::None;
        let mut room = Room::default();
        let prepare = |read| Prepared::of(read, functions, &mut room);
        let entries: Vec<Prepared> = declaration.reads.iter().map(prepare).collect::<Result<_, _>>()?;
        let template = match &target.template {
            Some(_) if writes => Some(TemplateRecipe::of(target, functions, &mut room.parts)?),
            _ => None,
        };
        let transforms = entries.iter().flat_map(Prepared::templates).any(is_random);
        let random = transforms || template.as_ref().is_some_and(TemplateRecipe::is_random);
        let templated = target.template.is_some();
        Ok(Self {
            entries,
            template,
            templated,
            writes,
            deletion: target.deletion,
            random,
            generic: target.generic().cloned(),
            size: room.size(),
        })
    }

    /// About how many bytes it takes: for whoever keeps recipes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Whether the same values give other bytes next time, because a template of the manifest calls a function that is
    /// random or looks at the clock. [`Rendered::random`] also knows of templates in ConfigMaps and Secrets.
    pub fn is_random(&self) -> bool {
        self.random
    }

    /// Makes what the target shall hold of what the reads gave and of the objects that hold templates.
    ///
    /// The order of `values` is that of the declaration's reads; values too few count as missing. Later entries win
    /// over earlier ones. An entry whose key (or, of a Fake store, property) is missing contributes nothing, if
    /// deletionPolicy is not `Retain`.
    ///
    /// # Errors
    /// [`RenderError`] when any entry or the template does not give what was asked, or all of it together takes more
    /// than the default [`Budget`]; there is no partial result.
    pub fn render(&self, values: &Values, sources: &TemplateSources) -> Result<Rendered, RenderError> {
        self.render_within(&mut Budget::default(), values, sources)
    }

    /// As [`Recipe::render`], within this budget.
    ///
    /// # Errors
    /// As [`Recipe::render`].
    pub fn render_within(
        &self,
        budget: &mut Budget,
        values: &Values,
        sources: &TemplateSources,
    ) -> Result<Rendered, RenderError> {
        let data = self.assembled(values, budget)?;
        let mut rendered = match &self.template {
            // What deletionPolicy then does with the target needs no template.
            Some(_) if data.is_empty() && self.deletion != DeletionPolicy::Merge => Rendered::plain(data),
            Some(template) => template.applied(data, sources, budget)?,
            None => match &self.generic {
                Some(manifest) => {
                    let placed = placed_whole(manifest, &data);
                    Rendered { placed, assembled_is_empty: data.is_empty(), ..Rendered::default() }
                }
                None => Rendered::plain(data),
            },
        };
        rendered.templated = self.templated;
        rendered.random |= self.random;
        if self.writes && self.generic.is_none() {
            admit(&rendered.data).map_err(RenderError::Key)?;
        }
        Ok(rendered)
    }

    /// What the entries give, laid over each other.
    fn assembled(&self, values: &Values, budget: &mut Budget) -> Result<Data, RenderError> {
        let mut data = Data::new();
        for (entry, found) in self.entries.iter().zip(values.0.iter().chain(iter::repeat(&Found::Missing))) {
            match entry.contribute(found, budget).and_then(|entries| self.admitted(entries)) {
                Ok(entries) => data.extend(entries),
                Err(problem) if problem.is_missing() && self.deletion != DeletionPolicy::Retain => {}
                Err(problem) => return Err(RenderError::Entry { entry: entry.place.clone(), problem }),
            }
        }
        Ok(data)
    }

    /// Without a template every key goes into the target, so the entry that has a wrong one can be named.
    fn admitted(&self, entries: Data) -> Result<Data, EntryProblem> {
        if self.writes && self.template.is_none() && self.generic.is_none() {
            admit(&entries).map_err(EntryProblem::RefusedKey)?;
        }
        Ok(entries)
    }
}

/// One read, compiled.
#[derive(Debug)]
struct Prepared {
    place: Entry,
    /// The key as declared; empty for a search.
    key: String,
    property: Option<Property>,
    /// Whether what the store knows about the key is read, in place of its value.
    metadata: bool,
    into: Becomes,
    decoding: Decoding,
    null_bytes: NullBytes,
}

#[derive(Debug)]
enum Becomes {
    Key(String),
    Every { conversion: Option<KeyConversion>, rewrite: Vec<Operation> },
}

impl Prepared {
    fn of(read: &Read, functions: &Functions, room: &mut Room) -> Result<Self, RenderError> {
        let (key, property, metadata) = match &read.query {
            Query::Key(remote) => {
                (remote.key.clone(), Property::of(remote.property.as_deref()), remote.metadata)
            }
            Query::Find(_) => (String::new(), None, false),
        };
        let place = Entry::of(read);
        let into = match &read.into {
            Into::Key(key) => Becomes::Key(key.clone()),
            Into::Every { conversion, rewrite } => {
                let rewrite = rewrite::compile(rewrite, functions, room)
                    .map_err(|problem| RenderError::Entry { entry: place.clone(), problem })?;
                Becomes::Every { conversion: *conversion, rewrite }
            }
        };
        let (decoding, null_bytes) = (read.decoding, read.null_bytes);
        Ok(Self { place, key, property, metadata, into, decoding, null_bytes })
    }

    fn templates(&self) -> impl Iterator<Item = &pawl_golang::template::Template> {
        let operations: &[Operation] = match &self.into {
            Becomes::Key(_) => &[],
            Becomes::Every { rewrite, .. } => rewrite,
        };
        operations.iter().filter_map(Operation::template)
    }

    /// What this entry gives. What was asked for one way and answered another has no answer.
    fn contribute(&self, found: &Found, budget: &mut Budget) -> Result<Data, EntryProblem> {
        // Each value is read about once by each step that it goes through.
        budget.read(found.size().saturating_mul(4))?;
        match (&self.into, found) {
            (Becomes::Key(key), Found::One(fetched)) => {
                let value = decoded(self.decoding, self.select(fetched, budget)?).map_err(|problem| {
                    EntryProblem::Encoding { decoding: self.decoding, key: None, problem }
                })?;
                check_null_bytes(self.null_bytes, [(key, &value)])?;
                Ok(Data::from([(key.clone(), value)]))
            }
            (Becomes::Every { conversion, rewrite }, Found::One(fetched)) => {
                let every = self.members(fetched, budget)?;
                self.every(every, *conversion, rewrite, budget)
            }
            (Becomes::Every { conversion, rewrite }, Found::Many(found)) => {
                let size: usize = found.values().map(|fetched| fetched.value.len() + MEMBER_ROOM).sum();
                budget.take(size)?;
                let mut every = Data::new();
                for (name, fetched) in found {
                    every.insert(name.clone(), self.whole(fetched, budget)?);
                }
                if found.values().any(|fetched| fetched.provider.profile().converts_found_names) {
                    every = convert(every, *conversion)?;
                }
                self.every(every, *conversion, rewrite, budget)
            }
            (_, Found::Missing) | (Becomes::Key(_), Found::Many(_)) => {
                Err(EntryProblem::Missing { key: self.key.clone() })
            }
        }
    }

    /// The whole value, or the property of it that the read names.
    fn select(&self, fetched: &Fetched, budget: &mut Budget) -> Result<SecretValue, EntryProblem> {
        let profile = fetched.provider.profile();
        if profile.lookup == Lookup::Item {
            budget.take(fetched.value.len())?;
            return self.part_of_item(fetched, self.property.as_ref().map(|property| property.path.as_str()));
        }
        let lookup = if self.metadata { profile.metadata_lookup } else { profile.lookup };
        if lookup == Lookup::Parts {
            let value =
                self.part_of(fetched, parts::value(&fetched.value, self.property.as_ref(), budget))?;
            budget.take(value.len())?;
            return Ok(value);
        }
        let Some(property) = &self.property else {
            budget.take(fetched.value.len())?;
            return self.whole(fetched, budget);
        };
        let found = match lookup {
            Lookup::Entries => entries::property(self.part(), &fetched.value, &property.path, budget),
            Lookup::PathFirst { whole } if self.key.starts_with(whole) => {
                budget.take(fetched.value.len())?;
                return Ok(fetched.value.clone());
            }
            lookup => property.find(lookup, &fetched.value, budget),
        };
        let value = self.named(fetched, property, found)?;
        budget.take(value.len())?;
        Ok(value)
    }

    /// What is read of the key, where values are entries.
    fn part(&self) -> Of {
        if self.metadata { Of::Metadata } else { Of::Data }
    }

    fn whole(&self, fetched: &Fetched, budget: &mut Budget) -> Result<SecretValue, EntryProblem> {
        match fetched.provider.profile().lookup {
            Lookup::MainMember { main } => {
                let main = Property { path: main.to_owned(), escaped: None };
                let found = main.find(Lookup::Member, &fetched.value, budget);
                self.named(fetched, &main, found)
            }
            Lookup::Entries => {
                entries::whole(self.part(), &fetched.value).map_err(|reason| self.no_object(reason))
            }
            Lookup::Parts => {
                let whole = parts::whole(&fetched.value).map_err(|reason| self.no_object(reason))?;
                self.part_of(fetched, Ok(whole))
            }
            Lookup::Item => self.part_of_item(fetched, None),
            _ => Ok(fetched.value.clone()),
        }
    }

    /// The part of an item that a property names, or the one that is meant without any.
    fn part_of_item(&self, fetched: &Fetched, property: Option<&str>) -> Result<SecretValue, EntryProblem> {
        let item = Item::of_value(&fetched.value).map_err(|reason| self.no_object(reason))?;
        match item.one(property) {
            Ok(Some(part)) => Ok(part.clone()),
            Ok(None) => Err(EntryProblem::MissingProperty {
                provider: fetched.provider,
                property: property.unwrap_or_default().to_owned(),
                key: self.key.clone(),
            }),
            Err(Repeated(label)) => Err(EntryProblem::Repeated { label, key: self.key.clone() }),
        }
    }

    /// The entries that the value is taken apart into.
    fn members(&self, fetched: &Fetched, budget: &mut Budget) -> Result<Data, EntryProblem> {
        let extract = fetched.provider.profile().extract;
        let every = match (extract, &self.property) {
            (Extract::RawOrTags, _) if self.metadata => {
                // A tag that is not there is an error before any is named.
                self.select(fetched, budget)?;
                return self.tags(fetched, budget);
            }
            (Extract::Parts, property) => {
                take_apart(&fetched.value, budget)?;
                self.part_of(fetched, parts::every(&fetched.value, property.as_ref(), budget))?
            }
            (Extract::Entries, Some(property)) => {
                take_apart(&fetched.value, budget)?;
                let found = entries::every_of(&fetched.value, property, budget);
                self.named(fetched, property, found)?
            }
            (Extract::Entries, None) => {
                take_apart(&fetched.value, budget)?;
                members(extract, &self.key, &fetched.value)
            }
            (Extract::Item, property) => {
                take_apart(&fetched.value, budget)?;
                let item = Item::of_value(&fetched.value).map_err(|reason| self.no_object(reason))?;
                let every = item.every(property.as_ref().map(|property| property.path.as_str()));
                let every = every
                    .map_err(|Repeated(label)| EntryProblem::Repeated { label, key: self.key.clone() })?;
                Ok(every.into_iter().map(|(label, part)| (label.to_owned(), part.clone())).collect())
            }
            _ => {
                // Some look a property up in `data` alone.
                let lookup = fetched.provider.profile().lookup;
                let value = match lookup {
                    Lookup::MainMember { .. } | Lookup::MemberWithNull => fetched.value.clone(),
                    _ => self.select(fetched, budget)?,
                };
                let value = unpacked(extract, value);
                let value = value.map_err(|reason| self.no_object(reason))?;
                take_apart(&value, budget)?;
                members(extract, &self.key, &value)
            }
        };
        every.map_err(|reason| self.no_object(reason))
    }

    /// What a property names, which must be there.
    fn named<T>(
        &self,
        fetched: &Fetched,
        property: &Property,
        found: Result<Option<T>, TooComplex>,
    ) -> Result<T, EntryProblem> {
        let (path, key) = (|| property.path.clone(), || self.key.clone());
        match found {
            Ok(Some(found)) => Ok(found),
            Ok(None) => Err(EntryProblem::MissingProperty {
                provider: fetched.provider,
                property: path(),
                key: key(),
            }),
            Err(TooComplex) => Err(EntryProblem::TooComplex { property: path(), key: key() }),
        }
    }

    /// The same where the property may be none: then there is nothing to read without one.
    fn part_of<T>(&self, fetched: &Fetched, found: Result<Option<T>, TooComplex>) -> Result<T, EntryProblem> {
        let none = || Property { path: String::new(), escaped: None };
        self.named(fetched, self.property.as_ref().unwrap_or(&none()), found)
    }

    /// Each tag of a key as an entry, or the one that the property names.
    fn tags(&self, fetched: &Fetched, budget: &mut Budget) -> Result<Data, EntryProblem> {
        take_apart(&fetched.value, budget)?;
        let named = tags::named(&self.key, &fetched.value).map_err(|reason| self.no_object(reason))?;
        let Some(property) = &self.property else { return Ok(named) };
        tags::of_property(&self.key, property, &named, budget)
            .map_err(|_| EntryProblem::TooComplex { property: property.path.clone(), key: self.key.clone() })
    }

    fn no_object(&self, reason: DecodeError) -> EntryProblem {
        EntryProblem::NotAnObject { key: self.key.clone(), reason }
    }

    /// The steps from the names that a store or a document gave to entries.
    fn every(
        &self,
        found: Data,
        conversion: Option<KeyConversion>,
        rewrite: &[Operation],
        budget: &mut Budget,
    ) -> Result<Data, EntryProblem> {
        let mut data = if rewrite.is_empty() {
            convert(found, conversion)?
        } else {
            rewrite::apply(rewrite, found, budget)?
        };
        validate(&mut data).map_err(EntryProblem::InvalidKey)?;
        let data = decoded_all(self.decoding, data)?;
        check_null_bytes(self.null_bytes, &data)?;
        Ok(data)
    }
}
