//! What is done with PushSecrets.

use super::Pipeline;
use crate::explain::pushed::PushAccount;
use crate::push::PushReport;
use futures::FutureExt;
use pawl_domain::DeclarationId;
use pawl_ports::{Error, Ports};

impl<P: Ports> Pipeline<P> {
    /// Carries out every PushSecret that is due; all of them where `all`. Nothing, where they are switched off. One that
    /// fails holds up no other; what is not done is done by the next pass, at whichever step it stopped.
    ///
    /// # Errors
    /// Only if the registry could not be asked.
    pub async fn push(&self, all: bool) -> Result<PushReport, Error> {
        if !self.push.base.settings.pushes {
            return Ok(PushReport::default());
        }
        self.push.run(all).boxed().await
    }

    /// Waits until a PushSecret is to be carried out between two passes, for [`Self::push_due`]: its source has changed, it
    /// failed in this process, or it was put off. From the first call on such work waits for that. May be dropped at any time.
    pub async fn until_push_due(&self) {
        self.push.until_due().boxed().await
    }

    /// Carries out what [`Self::until_push_due`] waits for. What fails is noted anew, after a pause that is twice as long.
    ///
    /// # Errors
    /// Only if the registry could not be asked; it is tried again.
    pub async fn push_due(&self) -> Result<PushReport, Error> {
        self.push.those_due().boxed().await
    }

    /// Notes that every PushSecret is to be looked at, for a process that begins: sources may have changed that nobody heard
    /// of. Stores are asked only where they did.
    ///
    /// # Errors
    /// Only if the registry could not be asked.
    pub async fn catch_up_pushes(&self) -> Result<(), Error> {
        if !self.push.base.settings.pushes {
            return Ok(());
        }
        self.push.catch_up().boxed().await
    }

    /// What registry and ledger know of a PushSecret, without asking a store or a cluster; `None` if none of this name is
    /// registered.
    ///
    /// # Errors
    /// Only if the registry could not be asked.
    pub async fn push_account(&self, id: &DeclarationId) -> Result<Option<PushAccount>, Error> {
        self.explain.push_account(id).boxed().await
    }

    /// Marks an applied PushSecret as on its way out: the next pass removes what is to go with it, and forgets it. `false` where
    /// none of this name is applied.
    ///
    /// # Errors
    /// Only if the registry could not be asked.
    pub async fn send_off_push(&self, id: &DeclarationId) -> Result<bool, Error> {
        self.index.send_off_applied(id).boxed().await
    }
}
