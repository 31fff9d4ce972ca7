package main

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// A message of our core; only the fields of its type are used.
type message struct {
	Type      string   `json:"type"`
	From      string   `json:"from"`
	To        string   `json:"to"`
	Term      uint64   `json:"term"`
	PrevIndex uint64   `json:"prevIndex"`
	PrevTerm  uint64   `json:"prevTerm"`
	Entries   []*entry `json:"entries"`
	Commit    uint64   `json:"commit"`
	Ok        bool     `json:"ok"`
	Index     uint64   `json:"index"`
	HintIndex uint64   `json:"hintIndex"`
	HintTerm  uint64   `json:"hintTerm"`
	LastIndex uint64   `json:"lastIndex"`
	LastTerm  uint64   `json:"lastTerm"`
	Forced    bool     `json:"forced"`
	Granted   bool     `json:"granted"`
	ReadSeq   uint64   `json:"readSeq"`
	RequestID uint64   `json:"requestId"`
	Meta      *meta    `json:"meta,omitempty"`
}

const (
	kindNormal = 0
	kindConfig = 1
	kindNoop   = 2
)

type entry struct {
	Index uint64 `json:"index"`
	Term  uint64 `json:"term"`
	Kind  int    `json:"kind"`
	Data  string `json:"data"`
}

type meta struct {
	Index uint64 `json:"index"`
	Term  uint64 `json:"term"`
	Conf  *conf  `json:"conf"`
}

type conf struct {
	Voters         []string `json:"voters"`
	VotersOutgoing []string `json:"votersOutgoing"`
	Learners       []string `json:"learners"`
	LearnersNext   []string `json:"learnersNext"`
	AutoLeave      bool     `json:"autoLeave"`
}

var roles = map[raft.StateType]string{
	raft.StateFollower:     "follower",
	raft.StatePreCandidate: "preCandidate",
	raft.StateCandidate:    "candidate",
	raft.StateLeader:       "leader",
}

// The library marks what a transfer started by this context.
const transferContext = "CampaignTransfer"

func (n *node) step(m *message) error {
	if m.Type == "transferRefused" {
		n.refuseTransfer(m)
		return nil
	}
	out := &pb.Message{From: new(number(m.From)), To: new(number(m.To)), Term: new(m.Term)}
	switch m.Type {
	case "append":
		out.Type = pb.MsgApp.Enum()
		out.Index, out.LogTerm, out.Commit = &m.PrevIndex, &m.PrevTerm, &m.Commit
		for _, e := range m.Entries {
			out.Entries = append(out.Entries, n.world.toEntry(e))
		}
	case "appendReply":
		out.Type = pb.MsgAppResp.Enum()
		out.Index, out.Reject = &m.Index, new(!m.Ok)
		out.RejectHint, out.LogTerm = &m.HintIndex, &m.HintTerm
	case "heartbeat":
		out.Type, out.Commit = pb.MsgHeartbeat.Enum(), &m.Commit
		out.Context = seqContext(m.ReadSeq)
	case "heartbeatReply":
		out.Type, out.Context = pb.MsgHeartbeatResp.Enum(), seqContext(m.ReadSeq)
	case "readIndex":
		out.Type, out.Term = pb.MsgReadIndex.Enum(), nil
		out.Entries = []*pb.Entry{{Data: []byte(strconv.FormatUint(m.RequestID, 10))}}
	case "readIndexReply":
		out.Type, out.Index = pb.MsgReadIndexResp.Enum(), &m.Index
		out.Entries = []*pb.Entry{{Data: []byte(strconv.FormatUint(m.RequestID, 10))}}
	case "preVote", "vote":
		out.Type = pb.MsgPreVote.Enum()
		if m.Type == "vote" {
			out.Type = pb.MsgVote.Enum()
		}
		out.Index, out.LogTerm = &m.LastIndex, &m.LastTerm
		if m.Forced {
			out.Context = []byte(transferContext)
		}
	case "preVoteReply":
		out.Type, out.Reject = pb.MsgPreVoteResp.Enum(), new(!m.Granted)
	case "voteReply":
		out.Type, out.Reject = pb.MsgVoteResp.Enum(), new(!m.Granted)
	case "snapshot":
		out.Type = pb.MsgSnap.Enum()
		out.Snapshot = &pb.Snapshot{Data: []byte("s"), Metadata: &pb.SnapshotMetadata{
			Index: &m.Meta.Index, Term: &m.Meta.Term, ConfState: m.Meta.Conf.toState(),
		}}
	case "timeoutNow":
		out.Type = pb.MsgTimeoutNow.Enum()
	default:
		return fmt.Errorf("no message type %q", m.Type)
	}
	return n.raw.Step(out)
}

func (n *node) send(m *pb.Message) {
	out := &message{From: name(m.GetFrom()), To: name(m.GetTo()), Term: m.GetTerm()}
	switch m.GetType() {
	case pb.MsgApp:
		out.Type = "append"
		out.PrevIndex, out.PrevTerm, out.Commit = m.GetIndex(), m.GetLogTerm(), m.GetCommit()
		out.Entries = []*entry{}
		for _, e := range m.GetEntries() {
			out.Entries = append(out.Entries, fromEntry(e))
		}
	case pb.MsgAppResp:
		out.Type = "appendReply"
		out.Ok, out.Index = !m.GetReject(), m.GetIndex()
		out.HintIndex, out.HintTerm = m.GetRejectHint(), m.GetLogTerm()
	case pb.MsgHeartbeat:
		out.Type, out.Commit = "heartbeat", m.GetCommit()
		out.ReadSeq = contextSeq(m.GetContext())
	case pb.MsgHeartbeatResp:
		out.Type, out.ReadSeq = "heartbeatReply", contextSeq(m.GetContext())
	case pb.MsgReadIndex:
		// The library leaves the term out, as it may forward such a message.
		out.Type, out.Term = "readIndex", n.raw.BasicStatus().GetTerm()
		out.RequestID = number(string(m.GetEntries()[0].GetData()))
	case pb.MsgReadIndexResp:
		out.Type, out.Index = "readIndexReply", m.GetIndex()
		out.RequestID = number(string(m.GetEntries()[0].GetData()))
	case pb.MsgPreVote, pb.MsgVote:
		out.Type = "preVote"
		if m.GetType() == pb.MsgVote {
			out.Type = "vote"
		}
		out.LastIndex, out.LastTerm = m.GetIndex(), m.GetLogTerm()
		out.Forced = string(m.GetContext()) == transferContext
	case pb.MsgPreVoteResp:
		out.Type, out.Granted = "preVoteReply", !m.GetReject()
	case pb.MsgVoteResp:
		out.Type, out.Granted = "voteReply", !m.GetReject()
	case pb.MsgSnap:
		out.Type = "snapshot"
		s := m.GetSnapshot().GetMetadata()
		out.Meta = &meta{s.GetIndex(), s.GetTerm(), fromState(s.GetConfState())}
	case pb.MsgTimeoutNow:
		out.Type = "timeoutNow"
	default:
		panic(fmt.Sprintf("no translation of %s", m.GetType()))
	}
	n.sent = append(n.sent, out)
}

// The library counts the reads of a leadership, as our core counts its tokens.
func seqContext(seq uint64) []byte {
	if seq == 0 {
		return nil
	}
	return binary.LittleEndian.AppendUint64(nil, seq)
}

func contextSeq(context []byte) uint64 {
	if len(context) == 0 {
		return 0
	}
	return binary.LittleEndian.Uint64(context)
}

func (w *world) toEntry(e *entry) *pb.Entry {
	out := &pb.Entry{Index: new(e.Index), Term: new(e.Term), Type: pb.EntryNormal.Enum()}
	switch e.Kind {
	case kindConfig:
		known := w.confs[entryID{e.Index, e.Term}]
		if known == nil {
			panic(fmt.Sprintf("nobody appended a configuration at %d.%d", e.Index, e.Term))
		}
		out.Type, out.Data = pb.EntryConfChangeV2.Enum(), known.data
	case kindNormal:
		out.Data = []byte(e.Data)
	}
	return out
}

func fromEntry(e *pb.Entry) *entry {
	out := &entry{Index: e.GetIndex(), Term: e.GetTerm(), Kind: kindOf(e)}
	if out.Kind == kindNormal {
		out.Data = string(e.GetData())
	}
	return out
}

func kindOf(e *pb.Entry) int {
	if e.GetType() != pb.EntryNormal {
		return kindConfig
	}
	if len(e.GetData()) == 0 {
		return kindNoop
	}
	return kindNormal
}

// term:kind:data of each entry, from the first one held.
func (m mirror) String() string {
	var b strings.Builder
	for i, e := range m.entries {
		if i > 0 {
			b.WriteByte(' ')
		}
		f := fromEntry(e)
		fmt.Fprintf(&b, "%d:%d:%s", f.Term, f.Kind, f.Data)
	}
	return b.String()
}

func (m mirror) last() uint64 { return m.first + uint64(len(m.entries)) - 1 }

func confChange(c *command) *pb.ConfChangeV2 {
	out := &pb.ConfChangeV2{Transition: pb.ConfChangeTransitionAuto.Enum()}
	if c.Joint {
		out.Transition = pb.ConfChangeTransitionJointImplicit.Enum()
	}
	kinds := map[string]pb.ConfChangeType{
		"voter":   pb.ConfChangeAddNode,
		"learner": pb.ConfChangeAddLearnerNode,
		"remove":  pb.ConfChangeRemoveNode,
	}
	for _, ch := range c.Changes {
		out.Changes = append(out.Changes, &pb.ConfChangeSingle{
			Type: kinds[ch.Kind].Enum(), NodeId: new(ch.ID),
		})
	}
	return out
}

func unmarshal(data []byte, cc *pb.ConfChangeV2) error { return proto.Unmarshal(data, cc) }

func (c *conf) toState() *pb.ConfState {
	return &pb.ConfState{
		Voters: numbers(c.Voters), VotersOutgoing: numbers(c.VotersOutgoing),
		Learners: numbers(c.Learners), LearnersNext: numbers(c.LearnersNext),
		AutoLeave: new(c.AutoLeave),
	}
}

func fromState(s *pb.ConfState) *conf {
	return &conf{
		Voters: names(s.GetVoters()), VotersOutgoing: names(s.GetVotersOutgoing()),
		Learners: names(s.GetLearners()), LearnersNext: names(s.GetLearnersNext()),
		AutoLeave: s.GetAutoLeave(),
	}
}

func renderConf(s *pb.ConfState) string {
	c := fromState(s)
	lists := [][]string{c.Voters, c.VotersOutgoing, c.Learners, c.LearnersNext}
	parts := make([]string, len(lists))
	for i, list := range lists {
		parts[i] = strings.Join(list, ",")
	}
	return fmt.Sprintf("%s %t", strings.Join(parts, "|"), c.AutoLeave)
}

// Members are numbers from 1 on here and the same numbers as text on our side; 0 is nobody.
func name(id uint64) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatUint(id, 10)
}

func number(name string) uint64 {
	id, err := strconv.ParseUint(name, 10, 64)
	must(err)
	return id
}

func names(ids []uint64) []string {
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		out = append(out, name(id))
	}
	return out
}

func numbers(names []string) []uint64 {
	out := make([]uint64, 0, len(names))
	for _, each := range names {
		out = append(out, number(each))
	}
	return out
}
