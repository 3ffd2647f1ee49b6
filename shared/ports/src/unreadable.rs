//! Documents of registry and ledger that cannot be read: skipped, named, counted.

pub use pawl_documents::{Kind as DocumentKind, Unreadable};

/// What an adapter goes on with: the noun, or nothing where its document cannot be read. The only place that tells of
/// it, once for each time it is met.
pub fn readable<T>(document: Result<T, Unreadable>) -> Option<T> {
    document
        .inspect_err(|unreadable| {
            let kind = unreadable.kind.as_str();
            metrics::counter!("pawl_unreadable_documents_total", "kind" => kind).increment(1);
            tracing::warn!(document.kind = kind, document.id = %unreadable.id, "{unreadable}");
        })
        .ok()
}
