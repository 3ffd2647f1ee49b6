//! Calls to clusters and stores through their circuit breakers.
//!
//! Each call is boxed, because the clients' futures are large and deeply nested, and the flow holds many of them at
//! once.

use crate::base::breaker::{Circuit, Reach};
use crate::base::shares::{host, tenant};
use crate::parts::Base;
use pawl_domain::{Access, ClusterName, Step};
use pawl_ports::{Clock, Error, Ports};

impl<P: Ports> Base<P> {
    /// A call to a cluster, unless the cluster did not answer several times in a row.
    pub(crate) async fn at_cluster<T>(
        &self,
        cluster: &ClusterName,
        step: Step,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let circuit = Circuit::Cluster(cluster.clone());
        self.memory.breakers.guard(circuit, step, || self.ports.clock().now(), Box::pin(call)).await
    }

    /// Whether a cluster is worth asking.
    pub(crate) fn reach_of(&self, cluster: &ClusterName) -> Reach {
        self.memory.breakers.reach(&Circuit::Cluster(cluster.clone()), self.ports.clock().now())
    }

    /// A call to a store with an identity, unless its host did not answer it several times in a row.
    pub(crate) async fn at_store<T>(
        &self,
        access: &Access,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        self.memory
            .breakers
            .guard(circuit(access), Step::Fetch, || self.ports.clock().now(), Box::pin(call))
            .await
    }

    /// The same of a call that gives `count` answers.
    pub(crate) async fn at_store_each<T>(
        &self,
        access: &Access,
        count: usize,
        call: impl Future<Output = Vec<Result<T, Error>>>,
    ) -> Vec<Result<T, Error>> {
        let now = || self.ports.clock().now();
        self.memory.breakers.guard_each(circuit(access), Step::Fetch, now, count, Box::pin(call)).await
    }
}

fn circuit(access: &Access) -> Circuit {
    Circuit::Store { host: host(access), tenant: tenant(access) }
}
