//! Answers of values that the flow provides, such as databases.

use std::any::{Any, TypeId};

use super::Cx;
use crate::base::key::{Digest, Hasher};
use crate::store::record::Read;
use crate::task::Task;
use crate::task::provider::Answers;

impl<T: Task> Cx<T> {
    /// Records that the task reads from `value`, and that its output depends on the answer to `question`.
    ///
    /// The empty question asks for the identity of the value. A later plan asks the value that its flow provides the same
    /// question, and the task runs again if the answer is another one. Nothing is recorded for a value that the flow does
    /// not provide: what the task has made it from counts already. A value with the identity of the provided one, such as
    /// a clone, is the same.
    ///
    /// Returns whether it was recorded.
    ///
    /// The type has to be registered as `Answers`.
    ///
    /// # Errors
    ///
    /// The value returns an error instead of an answer.
    #[doc(hidden)]
    pub fn __read_answer<C: Send + Sync + 'static>(
        &self,
        value: &C,
        question: &str,
    ) -> anyhow::Result<bool> {
        let of = TypeId::of::<C>();
        let Some(answers) = Answers::of_type(of) else { return Ok(false) };
        let provided = self.base.host.provided(of);
        let Some(provided) = provided.and_then(|provided| provided.downcast_ref::<C>()) else {
            return Ok(false);
        };
        let identity = |value: &C| (answers.ask)(value, "");
        if !std::ptr::eq(provided, value) && identity(provided)? != identity(value)? {
            return Ok(false);
        }
        let value: &(dyn Any + Send + Sync) = value;
        let digest = digest_answer(&(answers.ask)(value, question)?);
        let (of, question) = ((answers.name)().to_owned(), question.to_owned());
        self.base.reads.add(Read::Answer { of, question, digest });
        Ok(true)
    }
}

/// Returns the digest of an answer.
pub(crate) fn digest_answer(answer: &str) -> Digest {
    Hasher::new("answer").text(answer).digest()
}
