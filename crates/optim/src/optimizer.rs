//! The optimizer: a rule over the flat buffers of a model.

use std::collections::BTreeMap;
use std::sync::Arc;

use layerwise_tensor::{AlignedVec, Gradients, Layout, ParamId, ParamKind, Params, Scalar};

use crate::clip::{Clip, length, norm_factor, unit_factors};
use crate::config::OptimizerConfig;
use crate::constraint;
use crate::error::{OptimError, require_not_negative};
use crate::pass::{self, Segment};
use crate::penalty::L1Style;
use crate::plateau::PlateauState;
use crate::rule::{DecayStyle, RuleStep, SharedRule};
use crate::state::{StateMeta, StateTensor};
use crate::units;

/// Changes the parameters of a model by their gradients.
///
/// One step is one fused pass over the flat buffers: clipping, penalties, decay and the rule together. It skips what no backward pass
/// reached and what is frozen, counts updates for each parameter apart, applies the pending updates of buffers, and allocates nothing.
///
/// ```
/// use layerwise_optim::{Optimizer, OptimizerConfig, Sgd};
/// use layerwise_tensor::{Constant, Gradients, Layout, ParamKind, Params, Stream};
///
/// let mut layout = Layout::new();
/// let id = layout.scope().param("w", ParamKind::Weight, 1, 1, Constant(1.0));
/// let mut params = Params::<f64>::init(layout, &Stream::new(0));
/// let mut grads = Gradients::new(&params);
/// let mut optimizer = OptimizerConfig::new(Sgd::default()).rate(0.5).build(&params)?;
///
/// grads.slot(id).0[0] = 1.0;
/// let report = optimizer.step(&mut params, &mut grads);
/// assert_eq!(params.get(id), [0.5]);
/// assert_eq!(report.grad_norm, 1.0);
/// # Ok::<(), layerwise_optim::OptimError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Optimizer<T: Scalar> {
    config: OptimizerConfig,
    layout: Arc<Layout>,
    segments: Vec<Segment>,
    state: [AlignedVec<T>; 3],
    rate: f64,
    steps: u64,
    plateau: PlateauState,
    /// One factor for each unit, for adaptive clipping; empty without.
    factors: Vec<T>,
    /// For rules that update weights as a whole.
    matrix_scratch: Vec<T>,
    /// Two numbers for each unit of the widest parameter, if a constraint or clipping needs them.
    scratch: Vec<f64>,
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct StepReport {
    /// Euclidean norm of all written gradients before clipping, without penalties.
    pub grad_norm: f64,
    /// The rate of this step, without the factors of groups.
    pub rate: f64,
    /// Whether clipping changed a gradient.
    pub clipped: bool,
    /// Whether the step was taken: not with a gradient that holds a NaN or an infinity.
    pub applied: bool,
}

impl<T: Scalar> Optimizer<T> {
    /// An optimizer with all defaults of `rule`; [`OptimizerConfig`] sets the rest.
    ///
    /// # Panics
    /// If a hyperparameter of the rule is out of range.
    #[track_caller]
    pub fn new(rule: impl Into<SharedRule>, params: &Params<T>) -> Self {
        match OptimizerConfig::new(rule).build(params) {
            Ok(optimizer) => optimizer,
            Err(error) => panic!("optimizer: {error}"),
        }
    }

    /// One step: clipping, penalties, decay, the rule, constraints, then the pending updates of buffers.
    ///
    /// The gradients keep their values and marks; the next backward pass replaces them. Where we differ from PyTorch: with a gradient
    /// that is not finite nothing at all changes, and the report says so, so that the last good parameters are still there to look at.
    ///
    /// # Panics
    /// If `params` or `grads` have another layout than the parameters this optimizer was made for.
    #[track_caller]
    pub fn step(&mut self, params: &mut Params<T>, grads: &mut Gradients<T>) -> StepReport {
        self.require_layout("parameters", params.layout());
        self.require_layout("gradients", grads.layout());
        let (rate, grad_norm) = (self.rate(), grads.norm());
        if !grad_norm.is_finite() {
            return StepReport { grad_norm, rate, clipped: false, applied: false };
        }
        let (grad_scale, grad_limit) = match self.config.clip {
            Clip::None => (1.0, f64::INFINITY),
            Clip::Value(c) => (1.0, c),
            Clip::GlobalNorm(max) => (norm_factor(grad_norm, max), f64::INFINITY),
            Clip::ParameterNorm(_) | Clip::Adaptive { .. } => (1.0, f64::INFINITY),
        };
        let momentum = self.momentum();
        let beyond = |g: &[T]| g.iter().any(|v| v.as_f64().abs() > grad_limit);
        let mut clipped = grad_scale < 1.0;
        for s in &mut self.segments {
            s.active = grads.is_written(s.id) && !params.is_frozen(s.id);
            if s.active {
                let (rate, t) = (rate * s.rate_factor, s.step.t + 1);
                s.step = RuleStep { rate, t, momentum, grad_scale, grad_limit, ..s.step };
                let g = &grads.values()[s.range.clone()];
                if let Clip::ParameterNorm(max) = self.config.clip {
                    s.step.grad_scale = norm_factor(length(g), max);
                    clipped |= s.step.grad_scale < 1.0;
                }
                clipped = clipped || (grad_limit.is_finite() && beyond(g));
                if let Clip::Adaptive { ratio, floor } = self.config.clip {
                    let factors = &mut self.factors[s.units.clone()];
                    clipped |= unit_factors(params.get(s.id), g, (ratio, floor), &mut self.scratch, factors);
                }
            }
        }
        let (w, g) = (params.trainable_mut(), grads.values());
        pass::update(&self.segments, w, g, &self.factors, &mut self.state);
        pass::update_matrices(&self.segments, w, g, &self.factors, &mut self.state, &mut self.matrix_scratch);
        self.project(params);
        grads.apply_updates(params);
        self.steps += 1;
        StepReport { grad_norm, rate, clipped, applied: true }
    }

    /// The rate of the next step: base rate times schedule, times what the plateau makes of it.
    pub fn rate(&self) -> f64 {
        self.rate * self.config.schedule.factor(self.steps) * self.plateau.factor
    }

    /// The momentum of the next step, if the schedule moves it.
    pub fn momentum(&self) -> Option<f64> {
        self.config.schedule.momentum(self.steps)
    }

    /// Tells the [`Plateau`](crate::Plateau) of the configuration a value of its metric, once an epoch or as often as it shall count;
    /// says whether the rate fell. Without a plateau nothing happens.
    pub fn observe(&mut self, metric: f64) -> bool {
        self.config.plateau.is_some_and(|plateau| plateau.observe(&mut self.plateau, metric))
    }

    /// Changes the base rate, which the schedule multiplies; the state stays.
    ///
    /// # Panics
    /// If the rate is negative or not finite.
    #[track_caller]
    pub fn set_rate(&mut self, rate: f64) {
        if let Err(error) = require_not_negative("rate", rate) {
            panic!("optimizer: {error}");
        }
        self.rate = rate;
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// What this optimizer was made from.
    pub fn config(&self) -> &OptimizerConfig {
        &self.config
    }

    /// Everything a checkpoint needs besides [`Optimizer::state_tensors`].
    pub fn state_meta(&self) -> StateMeta {
        let updates = self.segments.iter().map(|s| (self.name(s).to_owned(), s.step.t)).collect();
        let (rule, plateau) = (self.config.rule.config(), self.plateau);
        StateMeta { rule, rules: self.other_rules(), steps: self.steps, rate: self.rate, plateau, updates }
    }

    /// The buffers of the state, one for each parameter and slot of the rule, in order of registration.
    pub fn state_tensors(&self) -> impl Iterator<Item = StateTensor<'_, T>> {
        self.segments.iter().flat_map(move |s| {
            let spec = self.layout.spec(s.id);
            s.rule.state_slots().iter().zip(&self.state).map(move |(slot, values)| StateTensor {
                name: format!("{}.{slot}", spec.name),
                rows: spec.rows,
                cols: spec.cols,
                values: &values[s.range.clone()],
            })
        })
    }

    /// Takes over the state of a checkpoint; `tensor` finds a buffer by its name. Afterwards the optimizer goes on as the one that was
    /// saved would have, bit for bit.
    ///
    /// # Errors
    /// If rule, names or sizes differ; the state stays as it was then.
    pub fn load_state<'a>(
        &mut self,
        meta: &StateMeta,
        tensor: impl Fn(&str) -> Option<&'a [T]>,
    ) -> Result<(), OptimError> {
        let differ =
            |what: &str, expected: String, found: String| OptimError::State { what: what.to_owned(), expected, found };
        let rule = self.config.rule.config();
        if meta.rule != rule {
            return Err(differ("the rule differs", rule.to_string(), meta.rule.to_string()));
        }
        let (rules, found) = (self.other_rules(), &meta.rules);
        if *found != rules {
            return Err(differ("the rules of groups differ", format!("{rules:?}"), format!("{found:?}")));
        }
        require_not_negative("rate", meta.rate)?;
        require_not_negative("plateau.factor", meta.plateau.factor)?;
        let mut loaded = self.clone();
        (loaded.steps, loaded.rate, loaded.plateau) = (meta.steps, meta.rate, meta.plateau);
        for s in &mut loaded.segments {
            let spec = self.layout.spec(s.id);
            s.step.t = *meta
                .updates
                .get(&spec.name)
                .ok_or_else(|| differ("a count is missing", format!("`{}`", spec.name), "nothing".to_owned()))?;
            for (slot, buffer) in s.rule.state_slots().iter().zip(&mut loaded.state) {
                let name = format!("{}.{slot}", spec.name);
                let expected = || format!("`{name}` with {} values", spec.len());
                let found =
                    tensor(&name).ok_or_else(|| differ("a buffer is missing", expected(), "nothing".to_owned()))?;
                if found.len() != spec.len() {
                    return Err(differ("a buffer has another size", expected(), found.len().to_string()));
                }
                buffer[s.range.clone()].copy_from_slice(found);
            }
        }
        if meta.updates.len() != self.segments.len() {
            let (expected, found) = (self.segments.len(), meta.updates.len());
            return Err(differ("the number of parameters differs", expected.to_string(), found.to_string()));
        }
        *self = loaded;
        Ok(())
    }

    /// Projects the parameters that were updated onto their constraints.
    fn project(&mut self, params: &mut Params<T>) {
        for s in self.segments.iter().filter(|s| s.active) {
            for constraint in &s.constraints {
                let scratch = &mut self.scratch[..s.units.len()];
                constraint::project(&**constraint, params.get_mut(s.id), scratch);
            }
        }
    }

    /// The rules of parameters that have another than the optimizer's, by name.
    fn other_rules(&self) -> BTreeMap<String, serde_json::Value> {
        let own = self.config.rule.config();
        let rules = self.segments.iter().map(|s| (self.name(s).to_owned(), s.rule.config()));
        rules.filter(|(_, rule)| *rule != own).collect()
    }

    fn name(&self, segment: &Segment) -> &str {
        &self.layout.spec(segment.id).name
    }

    #[track_caller]
    fn require_layout(&self, what: &str, layout: &Arc<Layout>) {
        let same = Arc::ptr_eq(layout, &self.layout) || layout.same_shape(&self.layout);
        assert!(same, "optimizer: these {what} belong to another model than the one the optimizer was made for");
    }
}

impl OptimizerConfig {
    /// An optimizer for `params`, with its state at the start.
    ///
    /// # Errors
    /// If a number is out of range, or a group takes no parameter.
    pub fn build<T: Scalar>(&self, params: &Params<T>) -> Result<Optimizer<T>, OptimError> {
        self.check()?;
        let layout = params.layout();
        for (index, group) in self.groups.iter().enumerate() {
            if !layout.specs().iter().any(|spec| group.takes(spec)) {
                let known: Vec<_> = layout.specs().iter().take(5).map(|s| format!("`{}`", s.name)).collect();
                return Err(OptimError::EmptyGroup { index, group: group.to_string(), known: known.join(", ") });
            }
        }
        let mut units = 0;
        let trained = layout.ids().filter(|id| !layout.spec(*id).is_buffer());
        let segments: Vec<_> = trained.map(|id| self.segment(layout, id, &mut units)).collect();
        let slots = segments.iter().map(|s| s.rule.state_slots().len()).max().unwrap_or(0);
        let state = std::array::from_fn(|slot| {
            let mut values = AlignedVec::zeros(if slot < slots { layout.trainable_len() } else { 0 });
            for s in segments.iter().filter(|s| slot < s.rule.state_slots().len()) {
                values[s.range.clone()].fill(T::of(s.rule.initial_state(slot)));
            }
            values
        });
        let scratch = |s: &Segment| {
            let (rows, cols) = s.matrix?;
            Some(rows * cols + s.rule.matrix_scratch(rows, cols)?)
        };
        let matrix_scratch = segments.iter().filter_map(scratch).max().unwrap_or(0);
        let adaptive = matches!(self.clip, Clip::Adaptive { .. });
        let widest = segments.iter().filter(|s| adaptive || !s.constraints.is_empty()).map(|s| s.units.len()).max();
        Ok(Optimizer {
            config: self.clone(),
            layout: Arc::clone(layout),
            segments,
            state,
            rate: self.base_rate(),
            steps: 0,
            plateau: PlateauState::default(),
            matrix_scratch: vec![T::zero(); matrix_scratch],
            factors: vec![T::one(); if adaptive { units } else { 0 }],
            scratch: vec![0.0; 2 * widest.unwrap_or(0)],
        })
    }

    /// What is to be done with a parameter; its units follow those counted so far.
    fn segment(&self, layout: &Layout, id: ParamId, units: &mut usize) -> Segment {
        let spec = layout.spec(id);
        let group = self.groups.iter().find(|g| g.takes(spec));
        let on = self.decay_on.includes(spec.kind);
        let own = |value: f64| if on { value } else { 0.0 };
        let mut rule = group.and_then(|g| g.rule.as_ref()).unwrap_or(&self.rule).clone();
        let mut whole = rule.matrix_scratch(spec.rows, spec.cols).is_some();
        if whole && spec.kind != ParamKind::Weight {
            rule = rule.companion().unwrap_or(rule);
            whole = false;
        }
        let base_decay = self.weight_decay.unwrap_or_else(|| rule.default_decay());
        let weight_decay = group.and_then(|g| g.weight_decay).unwrap_or_else(|| own(base_decay));
        let l1 = group.and_then(|g| g.l1).unwrap_or_else(|| own(self.l1));
        let (l2, decay) = match self.decay_style.unwrap_or_else(|| rule.decay_style()) {
            DecayStyle::Coupled => (weight_decay, 0.0),
            DecayStyle::Decoupled => (0.0, weight_decay),
        };
        let (l1, proximal) = match self.l1_style {
            L1Style::Subgradient => (l1, 0.0),
            L1Style::Proximal => (0.0, l1),
        };
        let constraints = group.and_then(|g| g.constraints.as_ref()).unwrap_or(&self.constraints);
        let first = *units;
        *units += units::count(spec);
        Segment {
            id,
            range: spec.range(),
            matrix: whole.then_some((spec.rows, spec.cols)),
            rule,
            rate_factor: group.map_or(1.0, |g| g.rate_factor),
            step: RuleStep { l1, l2, decay, ..RuleStep::new(0.0, 0) },
            proximal,
            constraints: if spec.kind == ParamKind::Weight { constraints.clone() } else { Vec::new() },
            units: first..*units,
            active: false,
        }
    }
}
