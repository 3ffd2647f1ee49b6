//! Reads the objects in target clusters that hold templates: each once per delivery, however many declarations use
//! it.

use crate::base::lanes::Lanes;
use crate::base::panicked::panicked;
use crate::deliver::plan::Plan;
use crate::parts::Deliver;
use futures::future::{BoxFuture, FutureExt, Shared, join_all};
use pawl_domain::declaration::{CreationPolicy, TemplateSource};
use pawl_domain::{
    ClusterName, Declaration, DeclarationId, Kind, Namespace, SecretValue, Step, TemplateSources,
};
use pawl_ports::{Clusters, Error, Ports, TemplateKind};
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// One object: what it holds, or `None` where it does not exist.
type Object = Result<Option<BTreeMap<String, SecretValue>>, Error>;
type At = (ClusterName, Namespace, TemplateSource);

/// The objects with templates that some plans name, each read once, when the first of them waits for it.
pub(crate) struct Templating<'a>(BTreeMap<At, Shared<BoxFuture<'a, Arc<Object>>>>);

/// The objects that one plan names.
#[derive(Debug, Default)]
pub(crate) struct Templates(BTreeMap<At, Arc<Object>>);

impl<P: Ports> Deliver<P> {
    /// Prepares to read every object that the templates of these plans name.
    pub(crate) fn templating<'a>(&'a self, plans: &[&Plan], lanes: &'a Lanes<ClusterName>) -> Templating<'a> {
        let mut wanted = BTreeMap::new();
        for Plan { declaration, .. } in plans {
            for at in places(declaration) {
                let id = declaration.id.clone();
                wanted.entry(at.clone()).or_insert_with(|| {
                    let read = async move {
                        let _turn = lanes.enter(&id.cluster).await;
                        let object = AssertUnwindSafe(self.template_source(&id, &at.2)).catch_unwind().await;
                        // What the panic says may hold a value.
                        Arc::new(object.unwrap_or_else(|_| Err(panicked(Step::Render))))
                    };
                    read.boxed().shared()
                });
            }
        }
        Templating(wanted)
    }

    async fn template_source(&self, id: &DeclarationId, source: &TemplateSource) -> Object {
        let (kind, name) = match source {
            TemplateSource::ConfigMap(name) => (TemplateKind::ConfigMap, name),
            TemplateSource::Secret(name) => (TemplateKind::Secret, name),
        };
        let call = self.base.ports.clusters().template_source(id, kind, name);
        match self.base.at_cluster(&id.cluster, Step::Render, call).await {
            Ok(data) => Ok(Some(data)),
            Err(error) if error.kind == Kind::NotFound => Ok(None),
            Err(error) => Err(error.within("could not apply template: error fetching templateFrom data: ")),
        }
    }
}

impl Templating<'_> {
    /// Waits for the objects that one plan names.
    pub(crate) async fn of(&self, plan: &Plan) -> Templates {
        let objects = places(&plan.declaration).filter_map(|at| {
            let object = self.0.get(&at)?.clone();
            Some(async move { (at, object.await) })
        });
        Templates(join_all(objects).await.into_iter().collect())
    }
}

impl Templates {
    /// What the templates of one declaration need.
    ///
    /// # Errors
    /// An object could not be read. One that does not exist is left out: rendering tells of it.
    pub(crate) fn of(&self, declaration: &Declaration) -> Result<TemplateSources, Error> {
        let mut found = BTreeMap::new();
        for at in places(declaration) {
            match self.0.get(&at).map(AsRef::as_ref) {
                Some(Ok(Some(data))) => {
                    found.insert(at.2, data.clone());
                }
                Some(Err(error)) => return Err(error.shared()),
                Some(Ok(None)) | None => {}
            }
        }
        Ok(TemplateSources(found))
    }
}

/// Where the objects stand that a declaration needs.
fn places(declaration: &Declaration) -> impl Iterator<Item = At> {
    let DeclarationId { cluster, namespace, .. } = &declaration.id;
    sources(declaration).map(move |source| (cluster.clone(), namespace.clone(), source))
}

/// The objects that a declaration needs; with creationPolicy None it renders nothing.
fn sources(declaration: &Declaration) -> impl Iterator<Item = TemplateSource> {
    let template = declaration.target.template.as_ref();
    let template = template.filter(|_| declaration.target.creation != CreationPolicy::None);
    template.map(|template| template.sources()).into_iter().flatten()
}
