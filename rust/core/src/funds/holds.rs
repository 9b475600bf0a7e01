//! The holds that live, found by id in one step: each leg of a hedge has a list of its own, newest
//! first. The ids of a leg ascend, so a new one is put in front, and the one asked for is nearly
//! always the first. The newest id of each leg stays for ever: what is not newer had its hold.

use super::Hold;
use crate::ids::{AccountId, ClientOrderId, HEDGES_MAX, LEGS_MAX};
use crate::wire::Writer;

#[derive(Clone, Copy, Debug)]
struct Leg {
    /// The newest id that was ever held; zero for none.
    newest: ClientOrderId,
    head: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    hold: Hold,
    next: Option<usize>,
}

#[derive(Clone, Debug)]
pub(super) struct Holds {
    /// By hedge and leg.
    legs: Vec<Leg>,
    /// How many of `legs` were ever held for.
    legs_used: usize,
    slots: Vec<Slot>,
    vacant: Vec<usize>,
    max: usize,
}

impl Holds {
    pub(super) fn new(max: usize) -> Holds {
        let leg = Leg { newest: ClientOrderId(0), head: None };
        Holds {
            legs: vec![leg; HEDGES_MAX * LEGS_MAX],
            legs_used: 0,
            slots: Vec::with_capacity(max),
            vacant: Vec::with_capacity(max),
            max,
        }
    }

    pub(super) fn max(&self) -> usize {
        self.max
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.vacant.len()
    }

    /// Whether the id is newer than all of its leg that were ever held.
    pub(super) fn is_new(&self, order: ClientOrderId) -> bool {
        order > self.leg(order).newest
    }

    /// The hold of an id; of a decision id, the one in its last account.
    pub(super) fn get(&self, order: ClientOrderId) -> Option<&Hold> {
        self.find(order).map(|place| &self.slot(place).hold)
    }

    pub(super) fn get_mut(&mut self, order: ClientOrderId) -> Option<&mut Hold> {
        self.find(order).map(|place| &mut self.slot_mut(place).hold)
    }

    /// The hold of an id in an account.
    pub(super) fn get_in(&self, order: ClientOrderId, account: AccountId) -> Option<&Hold> {
        self.find_in(order, account).map(|place| &self.slot(place).hold)
    }

    pub(super) fn get_in_mut(
        &mut self,
        order: ClientOrderId,
        account: AccountId,
    ) -> Option<&mut Hold> {
        self.find_in(order, account).map(|place| &mut self.slot_mut(place).hold)
    }

    /// Every hold, by hedge and leg, newest id first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Hold> {
        let legs = self.legs.iter().take(self.legs_used);
        legs.flat_map(|leg| {
            let next = |place: &usize| self.slot(*place).next;
            std::iter::successors(leg.head, next).map(|place| &self.slot(place).hold)
        })
    }

    pub(super) fn insert(&mut self, hold: Hold) {
        let (mut before, mut after) = (None, self.leg(hold.order).head);
        while let Some(here) = after
            && self.is_before(here, &hold)
        {
            (before, after) = (after, self.slot(here).next);
        }
        let slot = Slot { hold, next: after };
        let place = if let Some(place) = self.vacant.pop() {
            *self.slot_mut(place) = slot;
            place
        } else {
            self.slots.push(slot);
            self.slots.len() - 1
        };
        self.legs_used = self.legs_used.max(leg_index(hold.order) + 1);
        let leg = self.leg_mut(hold.order);
        leg.newest = leg.newest.max(hold.order);
        self.link(hold.order, before, Some(place));
    }

    /// Ends the hold of an id; of a decision id, one at a time.
    pub(super) fn remove(&mut self, order: ClientOrderId) -> Option<Hold> {
        let (mut before, mut at) = (None, self.leg(order).head);
        while let Some(here) = at {
            let slot = *self.slot(here);
            if slot.hold.order == order {
                self.link(order, before, slot.next);
                self.vacant.push(here);
                return Some(slot.hold);
            }
            (before, at) = (at, slot.next);
        }
        None
    }

    pub(super) fn digest(&self, writer: &mut Writer) {
        writer.len(self.len());
        for hold in self.iter() {
            writer.u64(hold.order.0);
            writer.u16(hold.account.0);
            writer.bool(hold.quarantined);
            writer.i128(hold.amount.0);
            writer.i128(hold.left.0);
        }
        let used = self.legs.iter().take(self.legs_used).filter(|leg| leg.newest.0 != 0);
        writer.len(used.clone().count());
        for leg in used {
            writer.u64(leg.newest.0);
        }
    }

    fn is_before(&self, place: usize, hold: &Hold) -> bool {
        let here = &self.slot(place).hold;
        (here.order, here.account) > (hold.order, hold.account)
    }

    fn link(&mut self, order: ClientOrderId, before: Option<usize>, to: Option<usize>) {
        match before {
            Some(place) => self.slot_mut(place).next = to,
            None => self.leg_mut(order).head = to,
        }
    }

    fn find(&self, order: ClientOrderId) -> Option<usize> {
        let mut at = self.leg(order).head;
        while let Some(place) = at {
            let slot = self.slot(place);
            if slot.hold.order <= order {
                return (slot.hold.order == order).then_some(place);
            }
            at = slot.next;
        }
        None
    }

    fn find_in(&self, order: ClientOrderId, account: AccountId) -> Option<usize> {
        let mut at = self.find(order);
        while let Some(place) = at {
            let slot = self.slot(place);
            if slot.hold.order != order {
                return None;
            }
            if slot.hold.account == account {
                return at;
            }
            at = slot.next;
        }
        None
    }

    #[expect(clippy::indexing_slicing, reason = "the hedge and leg of an id fit the table")]
    fn leg(&self, order: ClientOrderId) -> &Leg {
        &self.legs[leg_index(order)]
    }

    #[expect(clippy::indexing_slicing, reason = "the hedge and leg of an id fit the table")]
    fn leg_mut(&mut self, order: ClientOrderId) -> &mut Leg {
        &mut self.legs[leg_index(order)]
    }

    #[expect(clippy::indexing_slicing, reason = "links name slots")]
    fn slot(&self, place: usize) -> &Slot {
        &self.slots[place]
    }

    #[expect(clippy::indexing_slicing, reason = "links name slots")]
    fn slot_mut(&mut self, place: usize) -> &mut Slot {
        &mut self.slots[place]
    }
}

fn leg_index(order: ClientOrderId) -> usize {
    usize::from(order.hedge().0) * LEGS_MAX + usize::from(order.leg().0)
}
