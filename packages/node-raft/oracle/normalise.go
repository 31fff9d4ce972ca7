package main

// Where the two are different on purpose and made equal on this side. The numbers are those of the
// table in ../ORACLE.md, which has the reasons.

import (
	"fmt"
	"reflect"
	"unsafe"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/confchange"
	pb "go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"
)

// What the library keeps to itself and has no call for.
type private struct {
	electionTimeout *int
	electionElapsed *int
	isLearner       *bool
	tracker         *tracker.ProgressTracker
	waitingReads    *[]*pb.Message
}

func privateOf(raw *raft.RawNode) private {
	inner := reflect.ValueOf(raw).Elem().FieldByName("raft").Elem()
	at := func(field string) unsafe.Pointer {
		return unsafe.Pointer(inner.FieldByName(field).UnsafeAddr())
	}
	return private{
		electionTimeout: (*int)(at("randomizedElectionTimeout")),
		electionElapsed: (*int)(at("electionElapsed")),
		isLearner:       (*bool)(at("isLearner")),
		tracker:         (*tracker.ProgressTracker)(at("trk")),
		waitingReads:    (*[]*pb.Message)(at("pendingReadIndexMessages")),
	}
}

// N1: both sides have the time-out that ours drew.
func (n *node) setTimeout(ticks int) {
	*n.private.electionTimeout = ticks
}

// N2: a configuration is in force from its append on, and truncation takes it back. The library
// leaves the moment to its user, so here it is that of the append.
func (n *node) followConfs(entries []*pb.Entry) {
	first := entries[0].GetIndex()
	changed := false
	for len(n.confs) > 1 && n.confs[len(n.confs)-1].index >= first {
		n.confs = n.confs[:len(n.confs)-1]
		changed = true
	}
	for _, e := range entries {
		if e.GetType() != pb.EntryConfChangeV2 {
			continue
		}
		id := entryID{e.GetIndex(), e.GetTerm()}
		if n.world.confs[id] == nil {
			// Only a leader appends what nobody has seen.
			var cc pb.ConfChangeV2
			must(unmarshal(e.GetData(), &cc))
			conf := n.raw.ApplyConfChange(&cc)
			n.world.confs[id] = &confEntry{e.GetData(), conf}
		} else {
			changed = true
		}
		n.confs = append(n.confs, confAt{e.GetIndex(), n.world.confs[id].conf})
	}
	if changed {
		n.switchConf(n.confs[len(n.confs)-1].conf)
	}
}

func (n *node) switchConf(conf *pb.ConfState) {
	trk := n.private.tracker
	changer := confchange.Changer{
		Tracker:   tracker.MakeProgressTracker(trk.MaxInflight, trk.MaxInflightBytes),
		LastIndex: n.log.last(),
	}
	config, progress, err := confchange.Restore(changer, conf)
	must(err)
	trk.Config = config
	trk.Progress = progress
	own := progress[n.id]
	*n.private.isLearner = own != nil && own.IsLearner
}

func (n *node) confAt(index uint64) *pb.ConfState {
	for i := len(n.confs) - 1; i >= 0; i-- {
		if n.confs[i].index <= index {
			return n.confs[i].conf
		}
	}
	panic(fmt.Sprintf("no configuration known at %d", index))
}

// N3: the own pre-vote promises nothing, so it counts before anything is on disk.
func (n *node) countOwnPreVote(m *pb.Message) {
	var waiting []*pb.Message
	for _, r := range m.GetResponses() {
		if r.GetTo() == n.id && r.GetType() == pb.MsgPreVoteResp {
			n.respond([]*pb.Message{r})
		} else {
			waiting = append(waiting, r)
		}
	}
	m.Responses = waiting
}

// N4: requests for votes wait for the write of the term that they speak of.
func (n *node) withholdVotes(messages []*pb.Message) []*pb.Message {
	var votes, others []*pb.Message
	for _, m := range messages {
		if m.GetType() == pb.MsgVote {
			votes = append(votes, m)
		} else {
			others = append(others, m)
		}
	}
	if len(votes) == 0 {
		return messages
	}
	for _, m := range others {
		if m.GetTo() == raft.LocalAppendThread {
			m.Responses = append(m.Responses, votes...)
			return others
		}
	}
	panic("a candidate's term is not written")
}

// N7: what has nothing to write but the commit index is done with the write before it. The library
// lets every acknowledgement wait for a write of its own.
func (n *node) finishEmptyWrites() {
	for len(n.writes) > 0 {
		m := n.writes[0].message
		hard, _, err := n.store.MemoryStorage.InitialState()
		must(err)
		same := m.Term == nil || (m.GetTerm() == hard.GetTerm() && m.GetVote() == hard.GetVote())
		if !same || len(m.GetEntries()) > 0 || !raft.IsEmptySnap(m.GetSnapshot()) {
			return
		}
		n.writes = n.writes[1:]
		n.store.write(m)
		n.respond(m.GetResponses())
	}
}

// N5: the commit index alone is not written, so a restart may find an older one.
func (n *node) restoreCommit(commit uint64) {
	hard, _, err := n.store.MemoryStorage.InitialState()
	must(err)
	if commit > hard.GetCommit() {
		panic(fmt.Sprintf("restart at commit %d, on disk is %d", commit, hard.GetCommit()))
	}
	if raft.IsEmptyHardState(hard) {
		return
	}
	must(n.store.SetHardState(&pb.HardState{Term: hard.Term, Vote: hard.Vote, Commit: &commit}))
}

// N26: reads that wait for the leader's first commit end with its leadership; the library would
// answer them when the same member leads again.
func (n *node) forgetWaitingReads() {
	if n.raw.BasicStatus().RaftState != raft.StateLeader {
		*n.private.waitingReads = nil
	}
}

// N6: a target that refuses ends the transfer; the library ends one when the leader is its target.
func (n *node) refuseTransfer(m *message) {
	status := n.raw.BasicStatus()
	if status.RaftState != raft.StateLeader || status.GetTerm() != m.Term {
		return
	}
	if name(status.LeadTransferee) == m.From {
		n.raw.TransferLeader(n.id)
	}
}
