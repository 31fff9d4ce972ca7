package main

import (
	"fmt"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

type entryID struct{ index, term uint64 }

// A configuration entry has one content on each side; between them it is named by its place.
type confEntry struct {
	data []byte
	conf *pb.ConfState
}

type world struct {
	config raft.Config
	nodes  map[uint64]*node
	confs  map[entryID]*confEntry
}

func newWorld(c *command) *world {
	w := &world{
		config: raft.Config{
			ElectionTick:              c.ElectionTicks,
			HeartbeatTick:             c.HeartbeatTicks,
			AsyncStorageWrites:        true,
			MaxSizePerMsg:             c.BytesMax,
			MaxCommittedSizePerReady:  1 << 40,
			MaxInflightMsgs:           c.Inflights,
			CheckQuorum:               true,
			PreVote:                   true,
			DisableProposalForwarding: true,
			Logger:                    silent{},
		},
		nodes: map[uint64]*node{},
		confs: map[entryID]*confEntry{},
	}
	first := &pb.ConfState{Voters: c.Voters}
	w.confs[entryID{1, 1}] = &confEntry{conf: first}
	for i, id := range c.Voters {
		store := newStore(w)
		must(store.Append([]*pb.Entry{{
			Index: new(uint64(1)), Term: new(uint64(1)), Type: pb.EntryConfChangeV2.Enum(),
		}}))
		must(store.SetHardState(&pb.HardState{
			Term: new(uint64(1)), Vote: new(uint64(0)), Commit: new(uint64(1)),
		}))
		w.start(id, store)
		w.nodes[id].setTimeout(c.Timeouts[i])
	}
	return w
}

func (w *world) start(id uint64, store *store) *node {
	n := newNode(w, id, store)
	w.nodes[id] = n
	return n
}

func (w *world) perform(c *command, r *result) {
	n := w.nodes[c.Node]
	if c.Op == "add" {
		n = w.start(c.Node, newStore(w))
	}
	if n == nil {
		r.Error = fmt.Sprintf("no member %d", c.Node)
		return
	}
	if c.Op == "crash" {
		n.crash(int(c.Index), c.Commit)
		n = w.start(c.Node, n.store)
	}
	n.turn = c.Turn
	r.Accepted = true
	if err := n.input(c, r); err == raft.ErrProposalDropped {
		r.Accepted = false
	} else if err != nil {
		r.Error = err.Error()
	}
	n.settle()
	if c.Flush {
		n.flush(c.Turn)
	}
	n.setTimeout(c.Timeout)
	r.State = n.state()
	r.Sent = append(r.Sent, n.sent...)
	n.sent = nil
	r.Reads = append(r.Reads, n.reads...)
	n.reads = nil
	n.forgetWaitingReads()
}

// The library's log lines are not part of what is compared.
type silent struct{}

func (silent) Debug(...any)              {}
func (silent) Debugf(string, ...any)     {}
func (silent) Info(...any)               {}
func (silent) Infof(string, ...any)      {}
func (silent) Warning(...any)            {}
func (silent) Warningf(string, ...any)   {}
func (silent) Error(...any)              {}
func (silent) Errorf(string, ...any)     {}
func (silent) Fatal(v ...any)            { panic(fmt.Sprint(v...)) }
func (silent) Fatalf(f string, v ...any) { panic(fmt.Sprintf(f, v...)) }
func (silent) Panic(v ...any)            { panic(fmt.Sprint(v...)) }
func (silent) Panicf(f string, v ...any) { panic(fmt.Sprintf(f, v...)) }

func must(err error) {
	if err != nil {
		panic(err)
	}
}
