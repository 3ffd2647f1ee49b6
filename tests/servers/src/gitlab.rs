//! A double of GitLab: the part of its REST API that reads CI/CD variables, with its words for what is not there.
//!
//! Source: GitLab's API documentation and the code behind it (`lib/api/ci/variables.rb`, `lib/api/group_variables.rb`).

use crate::error::Result;
use crate::rest::{Answer, Answers, Served, decoded, form, json_answer, with_headers};
use http::Request;
use hyper::body::Bytes;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::MutexGuard;

/// The token that it takes.
pub const TOKEN: &str = "glpat-double";

/// A GitLab on a port of its own. Dropping it closes the port.
#[derive(Debug)]
pub struct GitLab {
    served: Served<State>,
}

#[derive(Debug, Default)]
struct State {
    token: String,
    /// By `projects/<id>` and `groups/<id>`, in the order in which they were made.
    variables: BTreeMap<String, Vec<Value>>,
    /// The groups of a project, each with its path.
    ancestors: BTreeMap<String, Vec<(u64, String)>>,
    asked: Vec<String>,
    /// Answers in place of the next ones: a status, with headers.
    scripted: Vec<(u16, Vec<(&'static str, String)>)>,
    hides_pages: bool,
}

impl GitLab {
    /// Starts with project 1 and nothing in it.
    ///
    /// # Errors
    /// When no port can be listened on.
    pub async fn start() -> Result<Self> {
        let state = State { token: TOKEN.to_owned(), ..State::default() };
        let double = Self { served: Served::start(|_| state).await? };
        double.make("projects/1");
        Ok(double)
    }

    /// Its address.
    pub fn address(&self) -> &str {
        self.served.address()
    }

    /// Makes a project or group, such as `projects/1`.
    pub fn make(&self, owner: &str) {
        self.state().variables.entry(owner.to_owned()).or_default();
    }

    /// Takes a project or group away, or its rights from the token: nobody can tell which.
    pub fn hide(&self, owner: &str) {
        self.state().variables.remove(owner);
    }

    /// Says which groups a project is in, each by its number and path.
    pub fn put_in(&self, project: &str, groups: &[(u64, &str)]) {
        let groups = groups.iter().map(|&(id, path)| (id, path.to_owned())).collect();
        self.state().ancestors.insert(project.to_owned(), groups);
    }

    /// Makes a variable in a scope, or gives it another value; without a value it is hidden.
    pub fn set(&self, owner: &str, key: &str, scope: &str, value: Option<&str>) {
        let mut state = self.state();
        let variables = state.variables.entry(owner.to_owned()).or_default();
        let found =
            variables.iter_mut().find(|each| each["key"] == key && each["environment_scope"] == scope);
        match found {
            Some(variable) => variable["value"] = json!(value),
            None => variables.push(json!({
                "variable_type": "env_var", "key": key, "value": value, "protected": false, "masked": true,
                "hidden": value.is_none(), "raw": true, "environment_scope": scope, "description": null,
            })),
        }
    }

    /// Deletes a variable in all its scopes.
    pub fn unset(&self, owner: &str, key: &str) {
        if let Some(variables) = self.state().variables.get_mut(owner) {
            variables.retain(|each| each["key"] != key);
        }
    }

    /// Takes another token from now on, and none but that.
    pub fn rotate(&self, token: &str) {
        token.clone_into(&mut self.state().token);
    }

    /// Answers the next request so.
    pub fn answer(&self, status: u16, headers: &[(&'static str, &str)]) {
        let headers = headers.iter().map(|&(name, value)| (name, value.to_owned())).collect();
        self.state().scripted.push((status, headers));
    }

    /// Leaves out the headers that tell of pages, as a proxy may.
    pub fn hide_pages(&self) {
        self.state().hides_pages = true;
    }

    /// What was asked since the last time, as path and query.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state().asked)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.served.state()
    }
}

impl Answers for State {
    fn answer(&mut self, request: &Request<Bytes>) -> Answer {
        self.asked.push(request.uri().to_string());
        if !self.scripted.is_empty() {
            let (status, headers) = self.scripted.remove(0);
            return with_headers(said(status, "message", "scripted: hunter2"), &headers);
        }
        let token = request.headers().get("private-token").and_then(|token| token.to_str().ok());
        if token != Some(self.token.as_str()) {
            return said(401, "message", "401 Unauthorized");
        }
        let query = form(request.uri().query().unwrap_or_default());
        let Some(path) = request.uri().path().strip_prefix("/api/v4/") else {
            return said(404, "error", "404 Not Found");
        };
        let parts: Vec<String> = path.split('/').map(decoded).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (kind, id, below) = match parts[..] {
            [kind @ ("projects" | "groups"), id, ref below @ ..] if !id.is_empty() => (kind, id, below),
            _ => return said(404, "error", "404 Not Found"),
        };
        let owner = format!("{kind}/{id}");
        let Some(variables) = self.variables.get(&owner) else {
            let what = if kind == "projects" { "Project" } else { "Group" };
            return said(404, "message", &format!("404 {what} Not Found"));
        };
        match (kind, below) {
            (_, ["variables"]) => self.page(variables.clone(), &query),
            (_, ["variables", key]) => {
                let absent = if kind == "projects" { "Variable" } else { "GroupVariable" };
                one(variables, key, &query, absent)
            }
            ("projects", ["groups"]) => {
                let groups = self.ancestors.get(id).into_iter().flatten();
                let groups = groups.map(|(id, path)| json!({ "id": id, "full_path": path })).collect();
                self.page(groups, &query)
            }
            _ => said(404, "error", "404 Not Found"),
        }
    }
}

impl State {
    /// GitLab gives 20 where nothing is said, and 100 at most.
    fn page(&self, all: Vec<Value>, query: &BTreeMap<String, String>) -> Answer {
        let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok());
        let per_page = number("per_page").unwrap_or(20).clamp(1, 100);
        let page = number("page").unwrap_or(1).max(1);
        let pages = all.len().div_ceil(per_page).max(1);
        let next = if page < pages { (page + 1).to_string() } else { String::new() };
        let some: Vec<Value> = all.into_iter().skip((page - 1) * per_page).take(per_page).collect();
        let mut answer = json_answer(200, &Value::Array(some));
        if !self.hides_pages {
            for (name, value) in
                [("x-page", page.to_string()), ("x-total-pages", pages.to_string()), ("x-next-page", next)]
            {
                if let Ok(value) = value.parse() {
                    answer.headers_mut().insert(name, value);
                }
            }
        }
        answer
    }
}

fn one(variables: &[Value], key: &str, query: &BTreeMap<String, String>, absent: &str) -> Answer {
    let scope = query.get("filter[environment_scope]");
    let meant = |each: &&Value| {
        each["key"] == key && scope.is_none_or(|scope| each["environment_scope"] == scope.as_str())
    };
    let found: Vec<&Value> = variables.iter().filter(meant).collect();
    match found[..] {
        [] => said(404, "message", &format!("404 {absent} Not Found")),
        [variable] => json_answer(200, variable),
        _ => said(
            409,
            "message",
            "There are multiple variables with provided parameters. Please use 'filter[environment_scope]'",
        ),
    }
}

fn said(status: u16, member: &str, text: &str) -> Answer {
    json_answer(status, &json!({ member: text }))
}
