package main

import (
	"math"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

// The disk of one member: what a restart finds.
type store struct {
	*raft.MemoryStorage
	world *world
}

func newStore(w *world) *store {
	return &store{MemoryStorage: raft.NewMemoryStorage(), world: w}
}

// The configuration that is in force after a restart is the newest of the log (N2).
func (s *store) InitialState() (*pb.HardState, *pb.ConfState, error) {
	hard, _, err := s.MemoryStorage.InitialState()
	_, confs := s.load()
	return hard, confs[len(confs)-1].conf, err
}

// The log and its configurations, oldest first; the first one is from before the log.
func (s *store) load() (mirror, []confAt) {
	snapshot, err := s.MemoryStorage.Snapshot()
	must(err)
	meta := snapshot.GetMetadata()
	confs := []confAt{{meta.GetIndex(), pb.EnsureConfState(meta.GetConfState())}}
	first, err := s.FirstIndex()
	must(err)
	last, err := s.LastIndex()
	must(err)
	log := mirror{first: first}
	if last < first {
		return log, confs
	}
	entries, err := s.Entries(first, last+1, math.MaxUint64)
	must(err)
	for _, e := range entries {
		log.entries = append(log.entries, e)
		if e.GetType() == pb.EntryConfChangeV2 && e.GetIndex() > meta.GetIndex() {
			conf := s.world.confs[entryID{e.GetIndex(), e.GetTerm()}].conf
			confs = append(confs, confAt{e.GetIndex(), conf})
		}
	}
	return log, confs
}

func (s *store) write(m *pb.Message) {
	if !raft.IsEmptySnap(m.GetSnapshot()) {
		must(s.ApplySnapshot(m.GetSnapshot()))
	}
	must(s.Append(m.GetEntries()))
	hard := &pb.HardState{Term: m.Term, Vote: m.Vote, Commit: m.Commit}
	if !raft.IsEmptyHardState(hard) {
		must(s.SetHardState(hard))
	}
}
