//! The result of an expensive step, kept while a decision runs again.

use tokio::sync::Mutex;

/// The last result `V` of a hash computation, and the input `I` that it is for.
///
/// A decision runs again after a conflict. The result stays valid, unless the input changed in the meantime.
#[derive(Debug)]
pub struct HashMemo<I, V>(Mutex<Option<(I, V)>>);

impl<I, V> Default for HashMemo<I, V> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<I: PartialEq, V: Clone> HashMemo<I, V> {
    /// The kept result for this input. Without one, runs the computation and keeps its result.
    ///
    /// # Errors
    /// Those of the computation. Nothing is kept then.
    pub async fn get_or_compute<E>(&self, input: I, computation: impl Future<Output = Result<V, E>>) -> Result<V, E> {
        let mut kept = self.0.lock().await;
        if let Some((of, result)) = &*kept
            && *of == input
        {
            return Ok(result.clone());
        }
        let result = computation.await?;
        *kept = Some((input, result.clone()));
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_same_input_is_computed_once_and_a_failure_is_not_kept() {
        let memo = HashMemo::default();
        assert_eq!(memo.get_or_compute(1, async { Err("busy") }).await, Err("busy"));
        assert_eq!(memo.get_or_compute(1, async { Ok::<_, &str>("one") }).await, Ok("one"));
        assert_eq!(memo.get_or_compute(1, async { Err("computed again") }).await, Ok("one"));
        assert_eq!(memo.get_or_compute(2, async { Ok::<_, &str>("two") }).await, Ok("two"));
        assert_eq!(memo.get_or_compute(1, async { Err("not the last input") }).await, Err("not the last input"));
    }
}
