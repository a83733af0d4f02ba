//! Side effects by priority: `system_critical > execution > analysis > data_ingestion >
//! background`.
//!
//! [`Lanes`] is the step machine: five bounded queues and the rule which job runs next. The pump,
//! [`Dispatcher`], gives the upper two lanes a thread of their own, so that a lower lane, however
//! full or slow, never delays an order; the lower three share a second thread that always takes the
//! highest lane that has work.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// The five priorities, highest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Stops, kill switch, fatal errors.
    SystemCritical,
    /// Orders.
    Execution,
    /// Reports and views.
    Analysis,
    /// Back-fill and checks of data.
    DataIngestion,
    /// Read models, training.
    Background,
}

impl Priority {
    /// All, highest first.
    pub const ALL: [Self; 5] = [
        Self::SystemCritical,
        Self::Execution,
        Self::Analysis,
        Self::DataIngestion,
        Self::Background,
    ];

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SystemCritical => "system_critical",
            Self::Execution => "execution",
            Self::Analysis => "analysis",
            Self::DataIngestion => "data_ingestion",
            Self::Background => "background",
        }
    }

    /// The lanes that the execution thread serves.
    const URGENT: [Self; 2] = [Self::SystemCritical, Self::Execution];
    /// The lanes that the other thread serves.
    const ORDINARY: [Self; 3] = [Self::Analysis, Self::DataIngestion, Self::Background];
}

/// The lane of this priority is full; the job comes back.
#[derive(Debug, PartialEq, Eq)]
pub struct LaneFull<J>(pub J);

/// Five bounded queues.
#[derive(Debug)]
pub struct Lanes<J> {
    queues: [VecDeque<J>; 5],
    capacity: usize,
    high_water: [usize; 5],
}

impl<J> Lanes<J> {
    /// Empty lanes of `capacity` jobs each.
    pub fn new(capacity: usize) -> Self {
        Self {
            queues: std::array::from_fn(|_| VecDeque::with_capacity(capacity)),
            capacity,
            high_water: [0; 5],
        }
    }

    /// Queues a job.
    ///
    /// # Errors
    /// [`LaneFull`] with the job when its lane holds `capacity` jobs.
    pub fn push(&mut self, priority: Priority, job: J) -> Result<(), LaneFull<J>> {
        let lane = priority as usize;
        if self.queues[lane].len() >= self.capacity {
            return Err(LaneFull(job));
        }
        self.queues[lane].push_back(job);
        self.high_water[lane] = self.high_water[lane].max(self.queues[lane].len());
        Ok(())
    }

    /// The next job among these lanes: highest lane first, then first come.
    pub fn pop(&mut self, lanes: &[Priority]) -> Option<J> {
        lanes.iter().find_map(|lane| self.queues[*lane as usize].pop_front())
    }

    /// The lanes, highest first: jobs that wait, most that ever did, capacity.
    pub fn queues(&self) -> [(Priority, usize, usize, usize); 5] {
        Priority::ALL.map(|lane| {
            let at = lane as usize;
            (lane, self.queues[at].len(), self.high_water[at], self.capacity)
        })
    }
}

struct Shared<J> {
    state: Mutex<(Lanes<J>, bool)>,
    /// One for each thread: a wake costs the engine's thread more than all else of a push.
    urgent: Condvar,
    ordinary: Condvar,
}

impl<J> Shared<J> {
    /// The bell of the thread that runs this lane.
    fn bell(&self, lane: Priority) -> &Condvar {
        if Priority::URGENT.contains(&lane) { &self.urgent } else { &self.ordinary }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (Lanes<J>, bool)> {
        // A job that panicked has left the queues whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Two threads around [`Lanes`].
pub struct Dispatcher<J: Send + 'static> {
    shared: Arc<Shared<J>>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl<J: Send + 'static> Dispatcher<J> {
    /// Starts the threads; `urgent` runs system-critical and execution jobs, `ordinary` the rest.
    pub fn start(
        capacity: usize,
        urgent: impl FnMut(J) + Send + 'static,
        ordinary: impl FnMut(J) + Send + 'static,
    ) -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::new((Lanes::new(capacity), false)),
            urgent: Condvar::new(),
            ordinary: Condvar::new(),
        });
        let threads = vec![
            spawn("execution", &shared, &Priority::URGENT, urgent),
            spawn("ordinary", &shared, &Priority::ORDINARY, ordinary),
        ];
        Self { shared, threads }
    }

    /// Queues a job; never blocks on a job that runs.
    ///
    /// # Errors
    /// [`LaneFull`] with the job when its lane is full.
    pub fn push(&self, priority: Priority, job: J) -> Result<(), LaneFull<J>> {
        let pushed = self.shared.lock().0.push(priority, job);
        self.shared.bell(priority).notify_one();
        pushed
    }

    /// As [`Lanes::queues`].
    pub fn queues(&self) -> [(Priority, usize, usize, usize); 5] {
        self.shared.lock().0.queues()
    }

    /// Lets the threads finish what is queued, and ends them.
    pub fn finish(self) {
        self.shared.lock().1 = true;
        self.shared.urgent.notify_one();
        self.shared.ordinary.notify_one();
        for thread in self.threads {
            let _ = thread.join();
        }
    }
}

fn spawn<J: Send + 'static>(
    name: &str,
    shared: &Arc<Shared<J>>,
    lanes: &'static [Priority],
    mut run: impl FnMut(J) + Send + 'static,
) -> std::thread::JoinHandle<()> {
    let shared = Arc::clone(shared);
    let lane = lanes[0];
    let body = move || loop {
        let mut state = shared.lock();
        let job = loop {
            if let Some(job) = state.0.pop(lanes) {
                break job;
            }
            if state.1 {
                return;
            }
            state = shared.bell(lane).wait(state).unwrap_or_else(PoisonError::into_inner);
        };
        drop(state);
        // The panic hook has said why. A lane that ends with one job would fill up in silence, and
        // whoever waits for a later job would wait for ever.
        let _ = catch_unwind(AssertUnwindSafe(|| run(job)));
    };
    std::thread::Builder::new()
        .name(name.into())
        .spawn(body)
        .unwrap_or_else(|error| panic!("the {name} thread could not be started: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    #[test]
    fn the_highest_lane_goes_first_and_lanes_are_bounded() {
        let mut lanes = Lanes::new(2);
        for (n, priority) in Priority::ALL.iter().rev().enumerate() {
            lanes.push(*priority, n).unwrap();
        }
        let order: Vec<_> = std::iter::from_fn(|| lanes.pop(&Priority::ALL)).collect();
        assert_eq!(order, [4, 3, 2, 1, 0]);
        lanes.push(Priority::Background, 1).unwrap();
        lanes.push(Priority::Background, 2).unwrap();
        assert_eq!(lanes.push(Priority::Background, 3), Err(LaneFull(3)));
        assert_eq!(lanes.push(Priority::Execution, 4), Ok(()));
    }

    #[test]
    fn a_job_that_panics_takes_no_lane_with_it() {
        let (ran, done) = mpsc::channel();
        let job = move |n: u32| {
            assert_ne!(n, 0, "the panic of this test");
            ran.send(n).unwrap();
        };
        let dispatcher = Dispatcher::start(8, |_| {}, job);
        for n in [0, 1, 0, 2] {
            dispatcher.push(Priority::Background, n).unwrap();
        }
        dispatcher.finish();
        assert_eq!(done.iter().collect::<Vec<_>>(), [1, 2]);
    }

    /// A background job that never ends until the test lets it, and a full background lane behind
    /// it: every order still runs. The printed figure is how long orders waited.
    #[test]
    fn a_saturated_lower_lane_never_delays_an_order() {
        let (release, blocked) = mpsc::channel::<()>();
        let (ran, orders) = mpsc::channel();
        let dispatcher = Dispatcher::start(
            128,
            move |sent: Instant| ran.send(sent.elapsed()).unwrap(),
            move |_| {
                let _ = blocked.recv();
            },
        );
        while dispatcher.push(Priority::Background, Instant::now()).is_ok() {}
        let mut waits: Vec<Duration> = (0..100)
            .map(|_| {
                dispatcher.push(Priority::Execution, Instant::now()).unwrap();
                orders.recv_timeout(Duration::from_secs(20)).expect("the order ran")
            })
            .collect();
        waits.sort_unstable();
        println!("100 orders beside a saturated lane: median {:?}, max {:?}", waits[50], waits[99]);
        drop(release);
        dispatcher.finish();
    }
}
