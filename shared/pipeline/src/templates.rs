//! The objects in target clusters that hold templates: each read once per delivery, however many declarations use it.

use crate::error::Error;
use crate::pipeline::Pipeline;
use crate::ports::{Clusters, Ports, TemplateKind};
use futures::{StreamExt, stream};
use pawl_domain::declaration::{CreationPolicy, TemplateSource};
use pawl_domain::{ClusterName, Declaration, DeclarationId, Kind, Namespace, SecretValue, TemplateSources};
use std::collections::BTreeMap;

/// One object: what it holds, or `None` where it does not exist.
type Object = Result<Option<BTreeMap<String, SecretValue>>, Error>;

/// What one delivery read of the objects that hold templates.
#[derive(Debug, Default)]
pub(crate) struct Templates(BTreeMap<(ClusterName, Namespace, TemplateSource), Object>);

impl<P: Ports> Pipeline<P> {
    /// Reads every object that the templates of these declarations name.
    pub(crate) async fn templates(&self, declarations: &[&Declaration]) -> Templates {
        let mut wanted = BTreeMap::new();
        for declaration in declarations {
            for source in sources(declaration) {
                let id = &declaration.id;
                let at = (id.cluster.clone(), id.namespace.clone(), source);
                wanted.entry(at).or_insert_with(|| id.clone());
            }
        }
        let objects: Vec<_> = stream::iter(wanted)
            .map(|(at, id)| async move {
                let object = self.template_source(&id, &at.2).await;
                (at, object)
            })
            .buffer_unordered(self.settings.concurrency)
            .collect()
            .await;
        Templates(objects.into_iter().collect())
    }

    async fn template_source(&self, id: &DeclarationId, source: &TemplateSource) -> Object {
        let (kind, name) = match source {
            TemplateSource::ConfigMap(name) => (TemplateKind::ConfigMap, name),
            TemplateSource::Secret(name) => (TemplateKind::Secret, name),
        };
        match self.ports.clusters().template_source(id, kind, name).await {
            Ok(data) => Ok(Some(data)),
            Err(error) if error.kind == Kind::NotFound => Ok(None),
            Err(error) => Err(error.within("could not apply template: error fetching templateFrom data: ")),
        }
    }
}

impl Templates {
    /// What the templates of one declaration need.
    ///
    /// # Errors
    /// An object could not be read. One that does not exist is left out: rendering tells of it.
    pub(crate) fn of(&self, declaration: &Declaration) -> Result<TemplateSources, Error> {
        let mut found = BTreeMap::new();
        for source in sources(declaration) {
            let at = (declaration.id.cluster.clone(), declaration.id.namespace.clone(), source);
            match self.0.get(&at) {
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

/// The objects that a declaration needs; with creationPolicy None it renders nothing.
fn sources(declaration: &Declaration) -> impl Iterator<Item = TemplateSource> {
    let template = declaration.target.template.as_ref();
    let template = template.filter(|_| declaration.target.creation != CreationPolicy::None);
    template.map(|template| template.sources()).into_iter().flatten()
}
