//! A layer of one's own, and the training loop written by hand: `cargo run --release --example custom_layer`.

use layerwise::prelude::*;

/// A gate: `y = x * sigmoid(x w + b)`, one file's worth of code.
struct Gate(Linear);

impl<T: Scalar> Module<T> for Gate {
    fn forward(&self, g: &mut Graph<'_, T>, x: Var) -> Var {
        let open = self.0.forward_act(g, x, Activation::SIGMOID);
        g.mul(x, open)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let stream = Stream::new(7);
    let data = synthetic::spirals::<f32>(1000, 1.5, 0.02, &stream.child("data"));

    let mut layout = Layout::new();
    let mut root = layout.scope();
    let widen = LinearConfig::new(32).build(&mut root.child("widen"), 2)?;
    let gate = Gate(LinearConfig::new(32).build(&mut root.child("gate"), 32)?);
    let head = LinearConfig::new(2).build(&mut root.child("head"), 32)?;
    let mut params = Params::<f32>::init(layout, &stream.child("init"));

    let mut optimizer = Optimizer::new(Adam::default(), &params);
    optimizer.set_rate(1e-2);
    let (mut tape, mut grads) = (Tape::new(), Gradients::new(&params));
    for step in 0..500 {
        let mut g = tape.graph(&params, Mode::Train, stream.child("step").at(step));
        let x = g.input(data.x.view());
        let h = widen.forward_act(&mut g, x, Activation::TANH);
        let h = gate.forward(&mut g, h);
        let y = head.forward(&mut g, h);
        let loss = SoftmaxCrossEntropy.loss(&mut g, y, Target::Labels(&data.y));
        let loss = g.backward(loss, &mut grads, Accum::Replace);
        optimizer.step(&mut params, &mut grads);
        if step % 100 == 99 {
            println!("step {:3}: loss {loss:.4}", step + 1);
        }
    }
    Ok(())
}
