//! What a module adds to the loss of the step it is part of.

use layerwise_tensor::Scalar;

use crate::graph::Graph;
use crate::var::Var;

impl<T: Scalar> Graph<'_, T> {
    /// Adds `penalty`, `(1, 1)`, to the loss of this step, wherever that is computed: [`Graph::total`] takes it along, and so does
    /// [`Graph::backward`]. So a module in the middle of a network can ask for sparse codes, and no loop has to know.
    ///
    /// ```
    /// use layerwise_autograd::Tape;
    /// use layerwise_tensor::{Accum, Gradients, Layout, Mode, Params, Stream};
    /// use ndarray::array;
    ///
    /// let params = Params::<f64>::init(Layout::new(), &Stream::new(0));
    /// let mut grads = Gradients::new(&params);
    /// let mut tape = Tape::new();
    /// let mut g = tape.graph(&params, Mode::Train, Stream::new(0));
    /// let x = g.leaf(array![[3.0, -4.0]].view());
    /// let size = g.abs(x);
    /// let size = g.mean_all(size);
    /// g.penalize(size);
    /// let loss = g.sum_all(x);
    /// assert_eq!(g.backward(loss, &mut grads, Accum::Replace), -1.0 + 3.5);
    /// assert_eq!(tape.grad(x).unwrap(), array![[1.5, 0.5]]);
    /// ```
    ///
    /// # Panics
    /// If `penalty` is no single number.
    #[track_caller]
    pub fn penalize(&mut self, penalty: Var) {
        let single = self.shape(penalty) == (1, 1);
        self.require(single, "penalize", &[penalty], "a penalty is a single number");
        self.tape.penalties.push(penalty);
    }

    /// `loss` plus all penalties of this step; they count once, so a second call gives `loss` back.
    ///
    /// # Panics
    /// If there are penalties and `loss` is no single number.
    #[track_caller]
    pub fn total(&mut self, loss: Var) -> Var {
        match self.penalties() {
            Some(penalties) => {
                let single = self.shape(loss) == (1, 1);
                self.require(single, "total", &[loss], "penalties are added to a single number");
                self.add(loss, penalties)
            }
            None => loss,
        }
    }

    /// The sum of the penalties that no total has taken yet, `(1, 1)`; they count as taken from now on. `None` if there are none.
    pub fn penalties(&mut self) -> Option<Var> {
        let mut penalties = std::mem::take(&mut self.tape.penalties);
        let sum = penalties.drain(..).reduce(|sum, penalty| self.add(sum, penalty));
        // The list keeps its memory.
        self.tape.penalties = penalties;
        sum
    }

    /// Whether anybody will ask for the penalties of this step: where not, a module saves the work.
    pub fn wants_penalties(&self) -> bool {
        !self.tape.skip_penalties
    }

    /// Says that nobody will ask for the penalties of this step, as when a model only predicts.
    pub fn skip_penalties(&mut self) {
        self.tape.skip_penalties = true;
    }
}
