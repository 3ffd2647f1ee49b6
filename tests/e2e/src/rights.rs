//! The rights that the template gives to its functions, beside what they ask.

use crate::asked::Asked;
use crate::{Error, Result};
use pawl_servers::process::clean_command;
use pawl_servers::tools_directory;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The statements of the roles of the functions, with all parameters that add some, as SAM's translator makes them.
#[derive(Debug)]
pub struct Rights(BTreeMap<String, Vec<Statement>>);

#[derive(Debug)]
struct Statement {
    allows: bool,
    actions: Vec<String>,
    /// The resources by their names in the template.
    resources: Vec<String>,
    /// The leading keys that it is about, where it is about some.
    leading: Option<BTreeSet<String>>,
}

/// Needs no right. Source: the API reference of STS.
const FREE: [&str; 1] = ["sts:GetCallerIdentity"];

impl Rights {
    /// Reads the template.
    ///
    /// # Errors
    /// When the tools are not there, or a statement has a form that nobody thought of here.
    pub fn of_template() -> Result<Self> {
        let mut command = clean_command(tools_directory()?.join("bin/python"));
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tools/templates")).arg("--rights");
        let output = command.output().map_err(Error::io("cannot run tools/templates"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        let roles: BTreeMap<String, Vec<Value>> = serde_json::from_slice(&output.stdout)
            .map_err(|_| Error::Otherwise(format!("tools/templates answers with no rights: {said}")))?;
        let read = |(name, statements): (String, Vec<Value>)| {
            let statements = statements.iter().map(Statement::read).collect::<Result<Vec<_>>>()?;
            Ok((name, statements))
        };
        roles.into_iter().map(read).collect::<Result<_>>().map(Self)
    }

    /// What functions asked by their own identity and AWS would have denied. Of resources, queues are told apart.
    pub fn denied(&self, asked: &BTreeSet<Asked>) -> Vec<String> {
        let of_functions = asked.iter().filter_map(|asked| Some((asked, self.0.get(&asked.caller)?)));
        let denied = of_functions.filter(|(asked, statements)| {
            let matching = || statements.iter().filter(|statement| statement.is_about(asked));
            let is_allowed = FREE.contains(&&*asked.action) || matching().any(|statement| statement.allows);
            !is_allowed || matching().any(|statement| !statement.allows)
        });
        denied.map(|(asked, _)| format!("{asked:?}")).collect()
    }

    /// The actions that some of these functions may do and none of them did. Several have rights in common, for each of them
    /// brings Secrets up to date.
    ///
    /// # Panics
    /// When there is no such function.
    pub fn unused(&self, functions: &[&str], asked: &BTreeSet<Asked>) -> BTreeSet<String> {
        let did: BTreeSet<&str> = asked
            .iter()
            .filter(|asked| functions.contains(&asked.caller.as_str()))
            .map(|asked| asked.action.as_str())
            .collect();
        let statements = functions.iter().flat_map(|function| &self.0[*function]);
        let actions =
            statements.filter(|statement| statement.allows).flat_map(|statement| &statement.actions);
        actions.filter(|action| !did.contains(action.as_str())).cloned().collect()
    }
}

impl Statement {
    fn read(statement: &Value) -> Result<Self> {
        let unknown = || Error::Otherwise(format!("this is no statement that this check knows: {statement}"));
        let texts = |value: &Value| match value {
            Value::Array(all) => all.clone(),
            one => vec![one.clone()],
        };
        let actions = texts(&statement["Action"]);
        let actions = actions.iter().map(|action| action.as_str().map(str::to_owned).ok_or_else(unknown));
        let conditions = statement["Condition"].as_object();
        let leading = match conditions.map(|all| all.iter().next().ok_or_else(unknown)).transpose()? {
            None => None,
            Some((operator, keys)) if operator == "ForAnyValue:StringEquals" => {
                let keys = keys["dynamodb:LeadingKeys"].as_array().ok_or_else(unknown)?;
                Some(keys.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            }
            // Of keys of KMS, which services use and no function itself.
            Some((operator, keys)) if operator == "StringLike" && !keys["kms:ViaService"].is_null() => None,
            Some(_) => return Err(unknown()),
        };
        Ok(Self {
            allows: statement["Effect"] == "Allow",
            actions: actions.collect::<Result<_>>()?,
            resources: texts(&statement["Resource"]).iter().filter_map(named).collect(),
            leading,
        })
    }

    fn is_about(&self, asked: &Asked) -> bool {
        let is_it = |action: &String| {
            *action == asked.action
                || action.strip_suffix('*').is_some_and(|service| asked.action.starts_with(service))
        };
        let is_of_queue = |queue: &String| self.resources.iter().any(|it| it.eq_ignore_ascii_case(queue));
        let is_of_keys = |keys: &BTreeSet<String>| !keys.is_disjoint(&asked.leading);
        // Which secrets a denial is about, is decided by names that are made with the stack.
        let is_of_secrets = !self.allows && asked.action.starts_with("secretsmanager:");
        self.actions.iter().any(is_it)
            && asked.queue.as_ref().is_none_or(is_of_queue)
            && self.leading.as_ref().is_none_or(is_of_keys)
            && !is_of_secrets
    }
}

/// The name of a resource of the template, of a parameter, or what stands there.
fn named(resource: &Value) -> Option<String> {
    let of = resource["Fn::GetAtt"][0].as_str().or(resource["Ref"].as_str()).or(resource.as_str());
    of.map(str::to_owned)
}
