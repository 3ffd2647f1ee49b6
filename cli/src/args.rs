//! The command line: one enum, a variant for each verb.

mod convert;
mod examples;
mod offer;
mod see;

pub(crate) use convert::Convert;
pub(crate) use offer::Offer;
pub(crate) use see::{Diff, Explain, Get, History, Migrate, Plan, Report, Resource, Status, Wait, Who};

use clap::builder::NonEmptyStringValueParser;
use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use pawl_domain::ClusterName;
use pawl_runtime::config::{Lookup, environment};
use pawl_runtime::telemetry::Format;
use std::path::PathBuf;

/// When a secret rotates in its store, every Kubernetes Secret that declares it follows.
///
/// Exit codes: 0 all went well; 1 something that was asked for failed, and the output says what; 2 the command line
/// cannot be understood; 3 Pawl could not start or reach its registry.
#[derive(Debug, Parser)]
#[command(name = "pawl", version, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) verb: Verb,
    /// How results are printed.
    #[arg(long, short, global = true, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
    /// The local registry file, where no DynamoDB table is named.
    #[arg(long, global = true, env = "PAWL_DB", default_value = "pawl.db", value_name = "FILE")]
    pub(crate) db: String,
    /// The DynamoDB table of a deployed Pawl; needs `--jobs`.
    #[arg(long, global = true, env = "PAWL_TABLE", requires = "jobs", value_name = "NAME")]
    pub(crate) table: Option<String>,
    /// The URL of a deployed Pawl's job queue.
    #[arg(long, global = true, env = "PAWL_JOB_QUEUE_URL", value_name = "URL")]
    pub(crate) jobs: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Take manifests into the registry: ExternalSecrets, stores, Clusters and StorePolicies, from files, folders or `-`.
    #[command(after_help = examples::APPLY)]
    Apply(Apply),
    /// Say what applying manifests would create, change and delete: in the registry, and key by key in the Secrets of each
    /// cluster. Writes nothing.
    ///
    /// Stores are read as a delivery reads them, and each Secret is looked at. Of values keyed digests are shown: equal values
    /// have equal ones, in all clusters.
    #[command(after_help = examples::PLAN)]
    Plan(Plan),
    /// Say what is wrong with manifests. Asks nobody.
    #[command(after_help = examples::CHECK)]
    Check(Check),
    /// Print the manifests of other tools as ExternalSecrets and SecretStores. Asks nobody.
    ///
    /// It reads ExternalSecrets of kubernetes-external-secrets, SecretProviderClasses of the Secrets Store CSI driver with its
    /// provider for AWS, and VaultStaticSecrets of the Vault Secrets Operator with what they name. What has no equal is told:
    /// as an error where no manifest is made of it.
    #[command(after_help = examples::CONVERT)]
    Convert(Convert),
    /// Show the Secrets that ExternalSecrets make of given values. Asks nobody.
    ///
    /// Stores (they tell how values are read), and ConfigMaps and Secrets with templates, are found where they stand among
    /// the files. Values come from one JSON file, by the key that the ExternalSecret names, or from a fake store:
    ///
    ///   {
    ///     "app/token": "a text",
    ///     "app/db": {"user": "ada", "password": "x"},
    ///     "app/cert": {"$base64": "MIIB..."},
    ///     "app/api": {"$value": "v2", "$tags": {"team": "shop"}, "$versions": {"AWSPREVIOUS": "v1"}},
    ///     "$stores": {"other": {"app/db": "what SecretStore or ClusterSecretStore `other` holds"}}
    ///   }
    ///
    /// An object or a list is the JSON text of a secret, unless it has one of the names with `$`. `find` finds keys of the
    /// file. A key without `$versions` has the same value in every version. Output is YAML, or a JSON list with
    /// `--output json`; what could not be rendered is said on standard error.
    #[command(verbatim_doc_comment, after_help = examples::RENDER)]
    Render(Render),
    /// Show what the registry holds, and how each declaration fares.
    #[command(after_help = examples::GET)]
    Get(Get),
    /// Show in ten lines how all declarations fare, and how fast changes reach their Secrets. Asks no store and no cluster.
    #[command(after_help = examples::STATUS)]
    Status(Status),
    /// Name keys that no declaration reads, values that are old by their store's dates, Secrets that look managed and have no
    /// owner, and stores that everybody may read. Stores and clusters are listed; no value is read.
    #[command(after_help = examples::REPORT)]
    Report(Report),
    /// Remove declarations, and the Secrets that they own; or clusters, with all that was declared for them; or policies.
    #[command(after_help = examples::DELETE)]
    Delete(Delete),
    /// Bring up to date what a key, a declaration or an event names.
    #[command(after_help = examples::SYNC)]
    Sync(Sync),
    /// Say what an event would touch, and why not others; why a declaration or a PushSecret is as it is; or what the code of an
    /// error means.
    ///
    /// For a declaration its stores are asked for versions and its cluster for the target; no value of a store is read, and none
    /// is shown. For a PushSecret and for an event nobody is asked.
    #[command(after_help = examples::EXPLAIN)]
    Explain(Explain),
    /// Say which keys differ between what stores give now and what stands in the clusters. Writes nothing.
    ///
    /// Of values keyed digests are shown: equal values have equal ones, in all clusters. The exit code is 1 where something
    /// differs or could not be compared.
    #[command(after_help = examples::DIFF)]
    Diff(Diff),
    /// Say whether Pawl would write the Secrets of a cluster as they stand there, and what it could not write. Writes nothing.
    ///
    /// For a cluster that is still ESO's: declare it without `index`. Its ExternalSecrets and stores are read, and each Secret
    /// is rendered and compared as by a first delivery; none of it enters the registry. The exit code is 1 where something would
    /// change, fails, or stands in a manifest that Pawl cannot use.
    #[command(after_help = examples::MIGRATE)]
    Migrate(Migrate),
    /// Show the last writes of a declaration's target, the newest first: when, what called for it, and to which versions.
    ///
    /// The ledger keeps eight of them at most, and fewer where keys and versions have long names. Asks no store and no cluster.
    #[command(after_help = examples::HISTORY)]
    History(History),
    /// Say which declarations read a key, what of it, and how each fares; with `--workloads`, what runs on their Secrets. Asks
    /// no store, and without `--workloads` no cluster.
    #[command(after_help = examples::WHO)]
    Who(Who),
    /// Wait until every Secret that a key goes into stands on what its store gives out now, and say what is missing.
    ///
    /// For rotations: when this ends well, the old password may go. It asks stores for versions, not for values.
    #[command(after_help = examples::WAIT)]
    Wait(Wait),
    /// Look at the job queue: what waits, what is dead and why; try it anew or remove it.
    #[command(after_help = examples::JOBS)]
    Jobs(Jobs),
    /// Look for what changed without an event, and bring it up to date.
    #[command(after_help = examples::SWEEP)]
    Sweep(Sweep),
    /// Make Clusters of what a cloud has.
    #[command(subcommand, after_help = examples::CLUSTERS)]
    Clusters(Clusters),
    /// Print the rights that Pawl needs in a cluster, by namespace, and a policy that keeps it to its own Secrets.
    #[command(after_help = examples::RBAC)]
    Rbac(Rbac),
    /// Run as one process: HTTP intake, queue poller, schedules, metrics.
    #[command(after_help = examples::SERVE)]
    Serve(Box<Serve>),
    /// Show registry, ledger and job queue as pages in a browser, on a loopback address, until Ctrl-C. Changes nothing.
    ///
    /// What is shown is read with your own identity: of a local file (`--db`), or of a deployed Pawl (`--table`, `--jobs`).
    /// No store and no cluster is asked, and no page shows a value. The address that is printed holds a token of this process,
    /// so that nobody else on this machine sees the pages.
    #[command(after_help = examples::CONSOLE)]
    Console(Console),
    /// Print a completion script for a shell.
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Write a man page for each command into a folder, for who packages Pawl.
    #[command(hide = true, after_help = examples::MAN)]
    Man {
        /// The folder; it is made where it is not there.
        folder: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Apply {
    #[command(flatten)]
    pub(crate) offer: Offer,
    /// Only say what of the registry would be created, changed and removed. `pawl plan` looks at the Secrets as well.
    #[arg(long, conflicts_with = "now")]
    pub(crate) dry_run: bool,
    /// Write the Secrets now, instead of leaving them to the server or the deliver function.
    #[arg(long)]
    pub(crate) now: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// Files or folders of YAML; `-` reads standard input. May be given several times.
    #[arg(long = "file", short, required = true, value_name = "PATH")]
    pub(crate) files: Vec<PathBuf>,
    /// The clusters of declarations that name none. Which clusters there are is only looked at where Clusters are
    /// among the manifests.
    #[arg(long = "cluster", value_name = "NAME")]
    pub(crate) clusters: Vec<ClusterName>,
    /// The namespace of manifests that name none.
    #[arg(long, short, value_name = "NAME")]
    pub(crate) namespace: Option<pawl_domain::Namespace>,
    /// The manifests are applied with `pawl apply --clusters`.
    #[arg(long = "clusters")]
    pub(crate) with_clusters: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Render {
    /// Files or folders of YAML; `-` reads standard input. May be given several times.
    #[arg(long = "file", short, required = true, value_name = "PATH")]
    pub(crate) files: Vec<PathBuf>,
    /// The values, as JSON; see above.
    #[arg(long, value_name = "FILE")]
    pub(crate) values: Option<PathBuf>,
    /// Show texts as they are (`stringData`), and only what is no text as base64.
    #[arg(long)]
    pub(crate) decode: bool,
    /// The namespace of manifests that name none.
    #[arg(long, short, value_name = "NAME", default_value = "default")]
    pub(crate) namespace: pawl_domain::Namespace,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Delete {
    /// Declarations, as `<cluster>/<namespace>/<name>`; or `cluster` or `policy` and names of such; or `push` and PushSecrets.
    #[arg(required = true, value_name = "DECLARATION | cluster NAME | policy NAME | push PUSHSECRET")]
    pub(crate) what: Vec<String>,
    /// Remove clusters without asking them, as when they are gone: their Secrets stay as they are.
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Jobs {
    #[command(subcommand)]
    pub(crate) verb: JobsVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobsVerb {
    /// Show how many jobs there are, and each that can be seen: all of a local file, the dead letters of SQS.
    List {
        /// Show at most so many.
        #[arg(long, default_value_t = 100, value_name = "NUMBER")]
        limit: usize,
    },
    /// Show one job with all of its declarations.
    Show {
        /// As `pawl jobs list` shows it.
        id: String,
    },
    /// Let dead jobs be tried again, from their first attempt.
    Redrive {
        /// As `pawl jobs list` shows them.
        #[arg(required_unless_present = "all", value_name = "JOB")]
        ids: Vec<String>,
        /// Every dead job.
        #[arg(long, conflicts_with = "ids")]
        all: bool,
    },
    /// Remove jobs for good. The sweep still finds their declarations.
    Delete {
        /// As `pawl jobs list` shows them.
        #[arg(required_unless_present = "all_dead", value_name = "JOB")]
        ids: Vec<String>,
        /// Every dead job.
        #[arg(long, conflicts_with = "ids")]
        all_dead: bool,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Sync {
    /// A key or ARN, a declaration as `<cluster>/<namespace>/<name>`, or a file with an event.
    pub(crate) what: String,
    /// Only keys of this region; else of every region that a store names.
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// Take versions that are older than what was written, as after a store was restored from a backup. Without this
    /// they are only taken when the store has been giving them for five minutes, for a replica may lag.
    #[arg(long)]
    pub(crate) accept_older: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Sweep {
    /// Sweep what is not due as well.
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Clusters {
    /// Print a Cluster for each cluster of EKS, for you to read and apply. Asks AWS with your own identity; writes nothing.
    #[command(after_help = examples::CLUSTERS)]
    Import(Import),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    /// Of Amazon EKS.
    #[arg(long, required = true)]
    pub(crate) eks: bool,
    /// The regions, with commas between.
    #[arg(long, required = true, value_delimiter = ',', value_name = "REGIONS", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) region: Vec<String>,
    /// The role that lists them, such as one of another account; else your own identity does.
    #[arg(long, value_name = "ARN")]
    pub(crate) list_role: Option<String>,
    /// The role that Pawl shall reach them with; else the identity that it runs with.
    #[arg(long, value_name = "ARN")]
    pub(crate) role: Option<String>,
    /// Have Pawl read the ExternalSecrets there, too.
    #[arg(long)]
    pub(crate) index: bool,
    /// List and watch these namespaces only, with commas between.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub(crate) namespaces: Vec<pawl_domain::Namespace>,
    /// Only clusters with this tag; may be given several times.
    #[arg(long, value_name = "TAG=VALUE", value_parser = tag)]
    pub(crate) tag: Vec<(String, String)>,
}

fn tag(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(tag, _)| !tag.is_empty());
    parts
        .map(|(tag, value)| (tag.to_owned(), value.to_owned()))
        .ok_or_else(|| "write <tag>=<value>".to_owned())
}

#[derive(Debug, clap::Args)]
pub(crate) struct Rbac {
    /// The namespaces that Pawl may write to, with commas between.
    #[arg(long, required = true, value_delimiter = ',', value_name = "NAMES")]
    pub(crate) namespaces: Vec<pawl_domain::Namespace>,
    /// What Pawl does there.
    #[arg(long, value_enum, default_value_t = Profile::Write)]
    pub(crate) profile: Profile,
    /// Also read PushSecrets from the cluster and write their status and finalizer; wants --profile index.
    #[arg(long)]
    pub(crate) push: bool,
    /// Also makes ExternalSecrets of the cluster's ClusterExternalSecrets; goes with --profile index and
    /// PAWL_CLUSTER_EXTERNAL_SECRETS=true.
    #[arg(long)]
    pub(crate) cluster_external_secrets: bool,
    /// The service accounts that stores prove themselves with, as `<namespace>/<name>`, with commas between.
    #[arg(long, value_delimiter = ',', value_name = "ACCOUNTS")]
    pub(crate) tokens: Vec<String>,
    /// The Kubernetes group that Pawl comes as.
    #[arg(long, default_value = "pawl", value_name = "NAME")]
    pub(crate) group: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Profile {
    /// Writes the Secrets of declarations that are applied to Pawl.
    Write,
    /// Also reads ExternalSecrets and stores from the cluster, and writes their status.
    Index,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    /// Where HTTP is served.
    #[arg(long, env = "PAWL_LISTEN", default_value = "127.0.0.1:8080")]
    pub(crate) listen: std::net::SocketAddr,
    /// The URL of an SQS queue that store events arrive in.
    #[arg(long, env = "PAWL_EVENT_QUEUE_URL", value_name = "URL")]
    pub(crate) events: Option<String>,
    /// Where Vault's `socket` audit device writes: `tcp://127.0.0.1:9090`, a loopback address always, or
    /// `unix:/run/pawl/audit.sock`. May be given several times.
    #[arg(long, env = "PAWL_VAULT_AUDIT_LISTEN", value_delimiter = ',', value_name = "ADDRESS")]
    pub(crate) vault_audit_listen: Vec<pawl_runtime::audit::socket::Address>,
    /// Users, by uid or name, whose connections to such a Unix socket are heard beside those of root and of Pawl's own user.
    #[arg(long, env = "PAWL_VAULT_AUDIT_PEERS", value_delimiter = ',', value_name = "USER")]
    pub(crate) vault_audit_peers: Vec<pawl_runtime::audit::Peer>,
    /// The file that Vault's `file` audit device writes; followed through rotations.
    #[arg(long, env = "PAWL_VAULT_AUDIT_FILE", value_name = "PATH")]
    pub(crate) vault_audit_file: Option<PathBuf>,
    /// How often stores are swept, as Go writes durations.
    #[arg(long, env = "PAWL_SWEEP_INTERVAL", default_value = "1m")]
    pub(crate) sweep: pawl_golang::duration::Duration,
    /// How often the clusters' own ExternalSecrets are read, apart from what watches tell at once.
    #[arg(long, env = "PAWL_INDEX_INTERVAL", default_value = "1m")]
    pub(crate) index: pawl_golang::duration::Duration,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Console {
    /// Where the pages are; a loopback address. Port 0 lets the system choose a free one.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub(crate) listen: std::net::SocketAddr,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Output {
    /// Columns for people, no wider than the terminal.
    Table,
    /// Columns, each row in one line.
    Wide,
    /// The first column alone.
    Name,
    /// One JSON document.
    Json,
    /// One YAML document.
    Yaml,
    /// The columns, with commas between.
    Csv,
}

impl Args {
    /// The environment, with what the command line says on top of it.
    pub(crate) fn lookup(&self) -> impl Lookup + Clone + 'static {
        let (db, table, jobs) = (self.db.clone(), self.table.clone(), self.jobs.clone());
        // What a command did is its output; its log only speaks of trouble, unless asked to say more.
        let level = (!matches!(self.verb, Verb::Serve(_))).then(|| "warn".to_owned());
        let sweep = match &self.verb {
            Verb::Serve(serve) => Some(serve.sweep.to_string()),
            _ => environment("PAWL_SWEEP_INTERVAL"),
        };
        move |name: &str| match name {
            "PAWL_LOG" => environment(name).or_else(|| level.clone()),
            "PAWL_DB" => Some(db.clone()),
            "PAWL_TABLE" => table.clone(),
            "PAWL_JOB_QUEUE_URL" => jobs.clone(),
            "PAWL_SWEEP_INTERVAL" => sweep.clone(),
            name => environment(name),
        }
    }

    /// A server's log is read by machines unless somebody sits before it.
    pub(crate) fn log_format(&self) -> Format {
        let watched = std::io::IsTerminal::is_terminal(&std::io::stderr());
        match self.verb {
            Verb::Serve(_) if !watched => Format::Json,
            _ => Format::Text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn each_verb_has_examples_that_can_be_typed() {
        for verb in Args::command().get_subcommands() {
            let help = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples: Vec<_> =
                help.lines().filter_map(|line| line.trim().strip_prefix("pawl ")).collect();
            assert!(!examples.is_empty(), "{}: it has no example", verb.get_name());
            for example in examples {
                let command = example.split(" #").next().unwrap_or_default();
                assert!(command.starts_with(verb.get_name()), "{example}");
                let words = ["pawl"].into_iter().chain(command.split_whitespace());
                if let Err(error) = Args::try_parse_from(words) {
                    panic!("{example}: {error}");
                }
            }
        }
    }
}
