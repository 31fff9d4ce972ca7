package main

import (
	"fmt"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"
)

// What the member holds, on disk or on its way there, as its Readys told.
type mirror struct {
	first   uint64
	entries []*pb.Entry
}

type confAt struct {
	index uint64
	conf  *pb.ConfState
}

type write struct {
	turn    int
	message *pb.Message
}

type node struct {
	id      uint64
	raw     *raft.RawNode
	private private
	store   *store
	world   *world
	turn    int
	log     mirror
	confs   []confAt
	writes  []write
	sent    []*message
	reads   []readState
	// The log as last reported; nil in a life that has not reported yet.
	reported *string
}

type state struct {
	Role     string            `json:"role"`
	Term     uint64            `json:"term"`
	Vote     string            `json:"vote"`
	Leader   string            `json:"leader"`
	Commit   uint64            `json:"commit"`
	Applied  uint64            `json:"applied"`
	First    uint64            `json:"first"`
	Log      *string           `json:"log,omitempty"`
	Match    map[string]uint64 `json:"match"`
	Conf     string            `json:"conf"`
	Transfer string            `json:"transfer"`
	// Nothing is on its way to the disk.
	Idle bool `json:"idle"`
	// Ticks since the last check of the quorum, or since the leader was heard.
	Elapsed int `json:"elapsed"`
}

func newNode(w *world, id uint64, s *store) *node {
	config := w.config
	config.ID = id
	config.Storage = s
	snapshot, err := s.Snapshot()
	must(err)
	config.Applied = snapshot.GetMetadata().GetIndex()
	raw, err := raft.NewRawNode(&config)
	must(err)
	n := &node{id: id, raw: raw, private: privateOf(raw), store: s, world: w}
	n.log, n.confs = s.load()
	return n
}

func (n *node) input(c *command, r *result) error {
	switch c.Op {
	case "tick":
		n.raw.Tick()
	case "step":
		return n.step(c.Message)
	case "propose":
		return n.raw.Propose([]byte(c.Data))
	case "conf":
		return n.raw.ProposeConfChange(confChange(c))
	case "transfer":
		n.raw.TransferLeader(c.To)
	case "read":
		n.raw.ReadIndex([]byte(c.Data))
	case "unreachable":
		n.raw.ReportUnreachable(c.To)
	case "snapshotSent":
		status := raft.SnapshotFinish
		if !c.Ok {
			status = raft.SnapshotFailure
		}
		n.raw.ReportSnapshot(c.To, status)
	case "disk":
		n.flush(int(c.Index))
	case "compact":
		return n.compact(c.Index, r)
	case "add", "crash":
	default:
		return fmt.Errorf("no command %q", c.Op)
	}
	return nil
}

// Takes what there is to do until there is nothing; what is applied is applied at once.
func (n *node) settle() {
	for n.raw.HasReady() {
		ready := n.raw.Ready()
		for _, r := range ready.ReadStates {
			n.reads = append(n.reads, readState{string(r.RequestCtx), r.Index})
		}
		messages := n.withholdVotes(ready.Messages)
		for _, m := range messages {
			switch m.GetTo() {
			case raft.LocalAppendThread:
				n.issue(m)
				n.finishEmptyWrites()
			case raft.LocalApplyThread:
				n.respond(m.GetResponses())
			default:
				n.send(m)
			}
		}
	}
}

// A write begins: from here on it is part of the log, if not of the disk.
func (n *node) issue(m *pb.Message) {
	n.countOwnPreVote(m)
	n.writes = append(n.writes, write{n.turn, m})
	if s := m.GetSnapshot(); !raft.IsEmptySnap(s) {
		meta := s.GetMetadata()
		n.log = mirror{first: meta.GetIndex() + 1}
		n.confs = []confAt{{meta.GetIndex(), meta.GetConfState()}}
	}
	entries := m.GetEntries()
	if len(entries) == 0 {
		return
	}
	n.log.entries = n.log.entries[:entries[0].GetIndex()-n.log.first]
	n.log.entries = append(n.log.entries, entries...)
	n.followConfs(entries)
}

// Writes up to those of the given command reach the disk, in order, and what waits for them goes
// out. With the number of the running command: all, and those that follow from them.
func (n *node) flush(turn int) {
	for len(n.writes) > 0 && n.writes[0].turn <= turn {
		m := n.writes[0].message
		n.writes = n.writes[1:]
		n.store.write(m)
		n.respond(m.GetResponses())
		if turn >= n.turn {
			n.settle()
		}
	}
	n.finishEmptyWrites()
}

func (n *node) respond(responses []*pb.Message) {
	for _, m := range responses {
		if m.GetTo() != n.id {
			n.send(m)
			continue
		}
		if err := n.raw.Step(m); err != nil && err != raft.ErrStepPeerNotFound {
			panic(err)
		}
	}
}

// The disk keeps the writes up to those of the given command; the rest never was.
func (n *node) crash(turn int, commit uint64) {
	for _, w := range n.writes {
		if w.turn <= turn {
			n.store.write(w.message)
		}
	}
	n.restoreCommit(commit)
}

func (n *node) compact(index uint64, r *result) error {
	applied := n.raw.BasicStatus().Applied
	old, err := n.store.Snapshot()
	must(err)
	if applied > old.GetMetadata().GetIndex() {
		if _, err := n.store.CreateSnapshot(applied, n.confAt(applied), []byte("s")); err != nil {
			return err
		}
	}
	snapshot, err := n.store.Snapshot()
	must(err)
	taken := snapshot.GetMetadata()
	r.Snapshot = &meta{taken.GetIndex(), taken.GetTerm(), fromState(taken.GetConfState())}
	if err := n.store.Compact(index); err != nil {
		return err
	}
	n.log.entries = n.log.entries[index+1-n.log.first:]
	n.log.first = index + 1
	return nil
}

func (n *node) state() *state {
	status := n.raw.BasicStatus()
	s := &state{
		Role:     roles[status.RaftState],
		Term:     status.GetTerm(),
		Vote:     name(status.GetVote()),
		Leader:   name(status.Lead),
		Commit:   status.GetCommit(),
		Applied:  status.Applied,
		First:    n.log.first,
		Conf:     renderConf(n.private.tracker.ConfState()),
		Transfer: name(status.LeadTransferee),
		Match:    map[string]uint64{},
		Idle:     len(n.writes) == 0,
		Elapsed:  *n.private.electionElapsed,
	}
	if log := n.log.String(); n.reported == nil || log != *n.reported {
		n.reported = &log
		s.Log = &log
	}
	if status.RaftState == raft.StateLeader {
		n.raw.WithProgress(func(id uint64, _ raft.ProgressType, pr tracker.Progress) {
			if id != n.id {
				s.Match[name(id)] = pr.Match
			}
		})
	}
	return s
}
