//! What goes wrong, by kind: rolled by the plan, carried out on the stage.

use crate::dice::Dice;
use crate::stage::Stage;
use crate::world::CLUSTERS;
use pawl_devcluster as devcluster;
use pawl_servers as servers;
use pawl_servers::vault::{VaultFault, VaultRule};
use std::time::Duration;
use tokio::time::sleep;

/// The kinds of faults, each of which can be switched off.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Kind {
    /// Processes are killed and started again.
    Kill,
    /// Events are lost.
    Drop,
    /// Events come twice.
    Duplicate,
    /// Events come late, and so after later ones.
    Delay,
    /// Stores answer that there are too many requests, or fail.
    Throttle,
    /// So do the table and the queues; and answers to writes that were carried out are lost.
    State,
    /// Clusters cannot be reached, or answer with errors.
    Cut,
    /// Tokens of clusters and of Vault expire.
    Expire,
    /// Somebody edits or deletes Secrets by hand.
    Edit,
    /// The disk of the local file is full. Only with `setting=file`.
    Disk,
    /// A server comes back with a clock that is wrong, and later with one that is right.
    Clock,
}

impl Kind {
    pub(crate) const ALL: [Self; 11] = [
        Self::Kill,
        Self::Drop,
        Self::Duplicate,
        Self::Delay,
        Self::Throttle,
        Self::State,
        Self::Cut,
        Self::Expire,
        Self::Edit,
        Self::Disk,
        Self::Clock,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Drop => "drop",
            Self::Duplicate => "duplicate",
            Self::Delay => "delay",
            Self::Throttle => "throttle",
            Self::State => "state",
            Self::Cut => "cut",
            Self::Expire => "expire",
            Self::Edit => "edit",
            Self::Disk => "disk",
            Self::Clock => "clock",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// By how many seconds a clock is wrong, ahead or behind: more than the time between sweeps, retries and leases.
const SKEW: i64 = 120;

/// One fault. Times are in milliseconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// Which process of Pawl is killed, counted round; and for how long it stays away.
    Kill {
        which: usize,
        away: u64,
    },
    /// This many of a hundred calls to AWS's stores fail.
    Stores {
        percent: usize,
        lasts: u64,
    },
    /// This many of a hundred calls to table and queues fail.
    State {
        percent: usize,
        lasts: u64,
    },
    Vault {
        how: Trouble,
        lasts: u64,
    },
    Cluster {
        which: usize,
        how: Trouble,
        lasts: u64,
    },
    /// Every token that Vault gave out.
    VaultTokens,
    /// The token that Pawl has for a cluster; a new one is there after the gap.
    ClusterToken {
        which: usize,
        gap: u64,
    },
    /// The server's files cannot grow.
    Disk {
        lasts: u64,
    },
    /// The clock of one of the servers, counted round, is wrong by so many seconds.
    Clock {
        which: usize,
        skew: i64,
        lasts: u64,
    },
}

/// How a server is in trouble.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Trouble {
    Refused,
    Reset,
    Stalled,
    /// 503, or sealed.
    Failing,
    /// 429 with Retry-After.
    Throttling,
    /// The request is carried out and the answer lost.
    AnswersLost,
}

impl Trouble {
    const ALL: [Self; 6] =
        [Self::Refused, Self::Reset, Self::Stalled, Self::Failing, Self::Throttling, Self::AnswersLost];
}

impl Fault {
    /// The faults that begin in one round. The same numbers are drawn whatever comes of them.
    pub(crate) fn roll(dice: &mut Dice) -> Vec<Self> {
        let which = dice.below(1000);
        let how = Trouble::ALL[dice.below(Trouble::ALL.len())];
        let (short, long, percent) = (dice.millis(0, 3000), dice.millis(500, 8000), 10 + dice.below(80));
        let skew = if percent % 2 == 0 { SKEW } else { -SKEW };
        let all = [
            (40, Self::Kill { which, away: short }),
            (20, Self::Stores { percent, lasts: long }),
            (20, Self::State { percent: percent / 2, lasts: long }),
            (10, Self::Vault { how, lasts: long }),
            (30, Self::Cluster { which, how, lasts: long }),
            (10, Self::VaultTokens),
            (10, Self::ClusterToken { which, gap: short }),
            (15, Self::Disk { lasts: long }),
            (10, Self::Clock { which, skew, lasts: long }),
        ];
        all.into_iter()
            .filter(|(of_thousand, _)| dice.happens(*of_thousand))
            .map(|(_, fault)| fault)
            .collect()
    }

    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Kill { .. } => Kind::Kill,
            Self::Stores { .. } | Self::Vault { .. } => Kind::Throttle,
            Self::State { .. } => Kind::State,
            Self::Cluster { .. } => Kind::Cut,
            Self::VaultTokens | Self::ClusterToken { .. } => Kind::Expire,
            Self::Disk { .. } => Kind::Disk,
            Self::Clock { .. } => Kind::Clock,
        }
    }

    /// Carries it out, from its beginning to its end. What is interrupted [`heal`] puts right.
    pub(crate) async fn strike(self, stage: &Stage) {
        match self {
            Self::Kill { which, away } => {
                let which = which % stage.pawl.count();
                stage.pawl.kill(which).await;
                // The emulator of Lambda tells that a process is gone by looking 20 times a second.
                sleep(Duration::from_millis(away + 150)).await;
                stage.pawl.start_missing(stage).await;
            }
            Self::Stores { percent, lasts } => {
                stage.gate.trouble_stores(percent);
                sleep(Duration::from_millis(lasts)).await;
                stage.gate.trouble_stores(0);
            }
            Self::State { percent, lasts } => {
                stage.gate.trouble_state(percent);
                sleep(Duration::from_millis(lasts)).await;
                stage.gate.trouble_state(0);
            }
            Self::Vault { how, lasts } => {
                trouble_vault(stage, how);
                sleep(Duration::from_millis(lasts)).await;
                soothe_vault(stage);
            }
            Self::Cluster { which, how, lasts } => {
                let cluster = &stage.clusters[which % CLUSTERS];
                cluster.proxy.set(network(how));
                let rule = cluster.embedded().zip(answers(how));
                let rule = rule.map(|(server, rule)| (server, server.faults().add(rule)));
                sleep(Duration::from_millis(lasts)).await;
                cluster.proxy.set(servers::Fault::None);
                if let Some((server, id)) = rule {
                    server.faults().remove(id);
                }
            }
            Self::VaultTokens => stage.vault.expire_tokens(),
            Self::ClusterToken { which, gap } => {
                let cluster = &stage.clusters[which % CLUSTERS];
                cluster.expire_token();
                sleep(Duration::from_millis(gap)).await;
                cluster.renew_token();
            }
            Self::Disk { lasts } => {
                stage.pawl.limit_files(Some(4096)).await;
                sleep(Duration::from_millis(lasts)).await;
                stage.pawl.limit_files(None).await;
            }
            Self::Clock { which, skew, lasts } => {
                stage.pawl.set_clock(which, skew, stage).await;
                sleep(Duration::from_millis(lasts)).await;
                stage.pawl.set_clock(which, 0, stage).await;
            }
        }
    }
}

/// Ends all faults and starts every process that is missing.
pub(crate) async fn heal(stage: &Stage) {
    stage.gate.trouble_stores(0);
    stage.gate.trouble_state(0);
    soothe_vault(stage);
    for cluster in &stage.clusters {
        cluster.proxy.set(servers::Fault::None);
        if let Some(server) = cluster.embedded() {
            server.faults().clear();
        }
        cluster.renew_token();
    }
    stage.pawl.limit_files(None).await;
    stage.pawl.right_clocks().await;
    stage.pawl.start_missing(stage).await;
}

fn network(how: Trouble) -> servers::Fault {
    match how {
        Trouble::Refused => servers::Fault::Refuse,
        Trouble::Reset => servers::Fault::Reset,
        Trouble::Stalled => servers::Fault::Stall,
        Trouble::Failing | Trouble::Throttling | Trouble::AnswersLost => servers::Fault::None,
    }
}

fn answers(how: Trouble) -> Option<devcluster::Rule> {
    let fault = match how {
        Trouble::Refused | Trouble::Reset | Trouble::Stalled => return None,
        Trouble::Failing => devcluster::Fault::unavailable(),
        Trouble::Throttling => devcluster::Fault::too_many_requests(1),
        Trouble::AnswersLost => devcluster::Fault::CutAfter,
    };
    Some(devcluster::Rule::new(fault))
}

fn trouble_vault(stage: &Stage, how: Trouble) {
    stage.vault_proxy.set(network(how));
    let fault = match how {
        Trouble::Refused | Trouble::Reset | Trouble::Stalled => return,
        Trouble::Failing => VaultFault::sealed(),
        Trouble::Throttling => VaultFault::rate_limited(1),
        Trouble::AnswersLost => VaultFault::CutBody,
    };
    // Reads and logins, which are all that Pawl does there. The driver's own writes go past everything that breaks.
    let rules = [
        VaultRule::new(fault.clone()).method("GET"),
        VaultRule::new(fault.clone()).method("LIST"),
        VaultRule::new(fault).path("auth/*"),
    ];
    rules.into_iter().for_each(|rule| stage.vault.faults().add(rule));
}

fn soothe_vault(stage: &Stage) {
    stage.vault_proxy.set(servers::Fault::None);
    stage.vault.faults().clear();
}
