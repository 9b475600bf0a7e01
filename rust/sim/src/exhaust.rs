//! Every history of a small hedge, up to a length: no drawing, no sampling.
//!
//! One attempt on two legs is begun on the real engine; then, at every node, everything that the
//! venues, the lines and the clock may do next is done, each on a copy. Nodes are walked in the
//! order of their length and merged where engine and venues stand alike ([`Merge`]), so that a
//! state is gone on from once. [`steps`] says what may happen, [`scene`] does it, [`pairs`] does the
//! same to a single order.
//!
//! # Bounds
//! - Venues act at the moment of the last timer: time passes only by ticks at the engine's deadline.
//! - Books stand still and are never too old; the engine is told to enter once, and does not exit.
//! - Of odd things ([`Odd`]) a path has so many as [`Budget`] says; what that leaves out is counted.
//! - A path with more orders than [`Search::orders`] is brought to rest at once.
//! - A fill is one lot or all that is left; rejects are of one class; a bust takes a whole fill.
//! - What the rules remember is that of the first path to a state.
//!
//! At the last step each new state is brought to rest twice, by venues that fill and by venues that
//! cancel, and has to come to one of the four ends.

use std::collections::HashSet;

use cross_market_core::config::Config;

use crate::check::Violation;

pub mod pairs;
pub mod scene;
mod small;
pub mod steps;
mod truth;

pub use scene::{Merge, Scene};
pub use small::{Shape, small};
pub use steps::{Budget, Cut, Move, Odd};

/// How far to go.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    /// Longest history after the attempt began.
    pub depth: u32,
    /// What a path may have of what has no end.
    pub budget: Budget,
    /// When two nodes are one.
    pub merge: Merge,
    /// Most orders of a path: where there are more, it is brought to rest at once.
    pub orders: usize,
    /// Most states; what is left then is told of.
    pub states_max: usize,
}

/// A broken rule and the history that leads to it.
#[derive(Clone, Debug)]
pub struct Broken {
    /// What happened.
    pub path: Vec<Move>,
    /// The rule.
    pub violation: Violation,
}

/// What a search came to.
#[derive(Clone, Debug, Default)]
pub struct Explored {
    /// Different states of engine and venues.
    pub states: u64,
    /// Histories gone one step further.
    pub transitions: u64,
    /// New states by length.
    pub layers: Vec<u64>,
    /// States of the last length that were brought to rest, each in two ways.
    pub rested: u64,
    /// Different ways to rest that this took: most states come to one that was gone before.
    pub rests: u64,
    /// States that had come to rest within the length, nothing open anywhere.
    pub ended: u64,
    /// Attempts ended, by end, over all ways to rest.
    pub ends: [u64; 4],
    /// Most orders sent on one path.
    pub orders_max: usize,
    /// States with more orders than are gone on with, among those brought to rest.
    pub beyond: u64,
    /// Steps left out for the budget, and far timers.
    pub cut: Cut,
    /// Whether every state within the depth was gone on from.
    pub complete: bool,
    /// The rules that were broken; the first hundred.
    pub broken: Vec<Broken>,
    /// How many there were.
    pub violations: u64,
}

/// A node: how it came about.
#[derive(Clone, Copy, Debug)]
struct Node {
    parent: u32,
    by: Move,
}

/// Most broken rules that are kept.
const KEPT: usize = 100;

struct Walk {
    root: Scene,
    nodes: Vec<Node>,
    seen: HashSet<u128>,
    /// Nodes that were brought to rest, by venues that fill, and by venues that cancel.
    known: [HashSet<u128>; 2],
    found: Explored,
    /// The scene that was made last to go on from, and whose it is.
    parent: Option<(u32, Scene)>,
}

/// Number of the root, whose parent it is itself.
const ROOT: u32 = 0;

/// Goes through every history of `config` up to `search.depth`, shortest first.
///
/// # Errors
/// When the engine does not take the configuration or its opening.
pub fn explore(config: &Config, search: &Search) -> Result<Explored, String> {
    let root = Scene::opened(config, search.budget, search.merge)?;
    let mut walk = Walk {
        nodes: vec![Node { parent: ROOT, by: Move::Tick }],
        seen: HashSet::from([root.key()]),
        known: [HashSet::new(), HashSet::new()],
        found: Explored { complete: true, layers: vec![1], ..Explored::default() },
        parent: None,
        root,
    };
    let mut layer = 0..1;
    for _ in 0..search.depth {
        let begin = walk.nodes.len();
        for at in layer.clone() {
            if walk.nodes.len() >= search.states_max {
                walk.found.complete = false;
                break;
            }
            walk.expand(number(at), search.orders);
        }
        layer = begin..walk.nodes.len();
        walk.found.layers.push(count(layer.len()));
    }
    for at in layer {
        walk.rest(number(at));
    }
    walk.found.states = count(walk.nodes.len());
    Ok(walk.found)
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn count(many: usize) -> u64 {
    u64::try_from(many).unwrap_or(u64::MAX)
}

impl Walk {
    fn node(&self, at: u32) -> Option<Node> {
        self.nodes.get(usize::try_from(at).ok()?).copied()
    }

    fn path(&self, mut at: u32) -> Vec<Move> {
        let mut path = Vec::new();
        while at != ROOT {
            let Some(node) = self.node(at) else { break };
            path.push(node.by);
            at = node.parent;
        }
        path.reverse();
        path
    }

    /// The scene of a node: by the way it came, of which the last node's parent may be at hand.
    fn scene(&mut self, at: u32) -> Scene {
        let Some(node) = self.node(at).filter(|_| at != ROOT) else { return self.root.clone() };
        let known = self.parent.take().filter(|(of, _)| *of == node.parent);
        let from = known.map_or_else(
            || {
                let mut scene = self.root.clone();
                for by in self.path(node.parent) {
                    scene.play(by);
                }
                scene
            },
            |(_, scene)| scene,
        );
        let mut scene = from.clone();
        scene.play(node.by);
        self.parent = Some((node.parent, from));
        scene
    }

    fn expand(&mut self, at: u32, orders: usize) {
        let scene = self.scene(at);
        if scene.orders() > orders {
            self.found.beyond += 1;
            return self.rest_of(at, &scene);
        }
        let moves = scene.moves(&mut self.found.cut);
        if scene.is_at_rest() {
            self.found.ended += 1;
            self.rest_so(at, &scene, true);
        }
        for by in moves {
            let mut next = scene.clone();
            next.play(by);
            self.found.transitions += 1;
            self.found.orders_max = self.found.orders_max.max(next.orders());
            if self.note(at, Some(by), &next) {
                continue;
            }
            if self.seen.insert(next.key()) {
                self.nodes.push(Node { parent: at, by });
            }
        }
    }

    /// Brings a node to rest in both ways.
    fn rest(&mut self, at: u32) {
        let scene = self.scene(at);
        self.rest_of(at, &scene);
    }

    fn rest_of(&mut self, at: u32, scene: &Scene) {
        self.found.rested += 1;
        for fills in [true, false] {
            self.rest_so(at, scene, fills);
        }
    }

    fn rest_so(&mut self, at: u32, scene: &Scene, fills: bool) {
        let [filled, cancelled] = &mut self.known;
        let known = if fills { filled } else { cancelled };
        if let Some(end) = scene.clone().rested(fills, known) {
            self.found.rests += 1;
            self.note(at, None, &end);
        }
    }

    /// Keeps what was broken; whether anything was.
    fn note(&mut self, at: u32, by: Option<Move>, scene: &Scene) -> bool {
        if by.is_none() {
            for (sum, more) in self.found.ends.iter_mut().zip(scene.ends()) {
                *sum += more;
            }
        }
        let broken = scene.violations();
        self.found.violations += count(broken.len());
        for violation in broken {
            if self.found.broken.len() < KEPT {
                let mut path = self.path(at);
                path.extend(by);
                self.found.broken.push(Broken { path, violation: violation.clone() });
            }
        }
        !broken.is_empty()
    }
}
