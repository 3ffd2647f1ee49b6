//! Pawl as it is run: as a server or as functions. Stories that hold for both are told once, for a [`Form`].

use crate::{Error, Functions, Result, Server, Stage};
use pawl_servers::LambdaEmulator;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

/// How Pawl is deployed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// `pawl serve` with its registry in a file.
    Server,
    /// The functions of the template, with a table and queues of AWS.
    Functions,
}

/// What it does of its own accord.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rhythm {
    /// Whether it sweeps each second, or not at all.
    pub sweeps: bool,
    /// Whether it reads the clusters each second, or not at all.
    pub indexes: bool,
}

/// Pawl on a stage. Dropping it ends its processes.
#[derive(Debug)]
pub struct Deployment {
    form: Form,
    server: Option<Server>,
    functions: Option<Functions>,
    schedules: Vec<Schedule>,
}

/// A schedule of EventBridge, which calls a function again and again. Those of AWS call once a minute.
#[derive(Debug)]
struct Schedule {
    function: &'static str,
    ended: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Deployment {
    /// Makes a stage ready for this form, before anything is applied there: what `pawl` does on the stage from here on
    /// concerns this deployment. Variables that its processes shall see must be set before.
    ///
    /// # Errors
    /// When a binary is missing or something does not come up.
    pub async fn on(form: Form, stage: &mut Stage) -> Result<Self> {
        let functions = match form {
            Form::Server => None,
            Form::Functions => Some(Functions::deploy(stage).await?),
        };
        if let Some(functions) = &functions {
            for (name, value) in functions.state() {
                stage.set(name, &value);
            }
        }
        Ok(Self { form, server: None, functions, schedules: Vec::new() })
    }

    /// Begins its work; a server that runs already is killed and started anew.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn begin(&mut self, stage: &Stage, rhythm: Rhythm) -> Result<()> {
        let Some(functions) = &self.functions else {
            let every = |often| if often { "1s" } else { "24h" };
            let arguments = ["--sweep", every(rhythm.sweeps), "--index", every(rhythm.indexes)];
            // One that runs already is killed first, as by a crash.
            self.server = None;
            self.server = Some(Server::start(stage, &arguments).await?);
            return Ok(());
        };
        for (function, wanted) in [("sweep", rhythm.sweeps), ("index", rhythm.indexes)] {
            if wanted {
                self.schedules.push(Schedule::start(Arc::clone(&functions.lambda), function));
            }
        }
        Ok(())
    }

    /// How it is deployed.
    pub fn form(&self) -> Form {
        self.form
    }

    /// The server, where it is one.
    pub fn server(&self) -> Option<&Server> {
        self.server.as_ref()
    }

    /// The functions, where it is they.
    pub fn functions(&self) -> Option<&Functions> {
        self.functions.as_ref()
    }

    /// Hands in an event as whoever may send events would: signed over HTTP, or into the queue.
    ///
    /// # Errors
    /// When it is not taken.
    pub async fn send(&self, stage: &Stage, event: &Value) -> Result<()> {
        if let Some(functions) = &self.functions {
            stage.aws().send_message(&functions.events, &event.to_string()).await?;
            return Ok(());
        }
        let answer = self.running()?.send(event).await?;
        match answer.status {
            ..300 => Ok(()),
            _ => Err(Error::Otherwise(format!("the event was not taken: {answer:?}"))),
        }
    }

    /// How often it has read the clusters.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn indexed(&self) -> Result<u64> {
        match &self.functions {
            Some(_) => {
                Ok(self.schedules.iter().filter(|it| it.function == "index").map(Schedule::ended).sum())
            }
            None => Ok(self.running()?.metrics().await?.count("pawl_indexes_total", &[])),
        }
    }

    /// Everything that its processes have written so far.
    pub fn log(&self) -> String {
        let server = self.server.as_ref().map(Server::log);
        server.into_iter().chain(self.functions.as_ref().map(Functions::logs)).collect()
    }

    /// The most memory that one of its processes has had, in bytes.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn peak_memory(&self) -> Result<u64> {
        match &self.functions {
            Some(functions) => functions.lambda.peak_memory().ok_or_else(untold),
            None => self.running()?.peak_memory(),
        }
    }

    fn running(&self) -> Result<&Server> {
        self.server.as_ref().ok_or_else(|| Error::Otherwise("the server has not begun".to_owned()))
    }
}

fn untold() -> Error {
    Error::Otherwise("no process of the functions tells its memory".to_owned())
}

impl Schedule {
    fn start(lambda: Arc<LambdaEmulator>, function: &'static str) -> Self {
        let ended = Arc::<AtomicU64>::default();
        let counted = Arc::clone(&ended);
        let task = tokio::spawn(async move {
            loop {
                // A function that fails is called again, as by its schedule.
                if lambda.invoke(function, &json!({})).await.is_ok() {
                    counted.fetch_add(1, Ordering::SeqCst);
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        Self { function, ended, task }
    }

    fn ended(&self) -> u64 {
        self.ended.load(Ordering::SeqCst)
    }
}

impl Drop for Schedule {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Tells each of these stories twice: of the server and of the functions. A story takes a [`Form`].
#[macro_export]
macro_rules! in_both_forms {
    ($($story:ident),+ $(,)?) => {
        mod server {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $story() -> $crate::Result<()> {
                super::$story($crate::Form::Server).await
            })+
        }
        mod functions {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $story() -> $crate::Result<()> {
                super::$story($crate::Form::Functions).await
            })+
        }
    };
}
