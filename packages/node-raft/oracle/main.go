// The other side of the lock-step oracle: members on go.etcd.io/raft/v3 that get, command by
// command, the same inputs as members on our core, and answer with their state and what they sent.
//
// One line of standard input is a JSON array of commands, one line of standard output the array of
// their results, in order. Several worlds may be on their way at once; they know nothing of each
// other. What is made equal on purpose is in normalise.go, each with its number in ../ORACLE.md.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

type command struct {
	World int    `json:"world"`
	Op    string `json:"op"`
	Node  uint64 `json:"node"`
	// Commands of a world are numbered; a write belongs to the command that caused it.
	Turn int `json:"turn"`
	// The election time-out that our member has drawn (N1).
	Timeout int `json:"timeout"`
	// Every write is on disk before the command ends.
	Flush bool `json:"flush"`

	Voters    []uint64 `json:"voters"`
	BytesMax  uint64   `json:"bytesMax"`
	Inflights int      `json:"inflights"`
	Message   *message `json:"message"`
	Data      string   `json:"data"`
	Changes   []change `json:"changes"`
	Joint     bool     `json:"joint"`
	To        uint64   `json:"to"`
	Ok        bool     `json:"ok"`
	Commit    uint64   `json:"commit"`
	Index     uint64   `json:"index"`
	// Of a new world: the time-outs of its voters, and the limits.
	Timeouts       []int `json:"timeouts"`
	ElectionTicks  int   `json:"electionTicks"`
	HeartbeatTicks int   `json:"heartbeatTicks"`
}

type change struct {
	Kind string `json:"kind"`
	ID   uint64 `json:"id"`
}

type result struct {
	// Whether a proposal was taken.
	Accepted bool   `json:"accepted"`
	State    *state `json:"state,omitempty"`
	// Of "compact".
	Snapshot *meta      `json:"snapshot,omitempty"`
	Sent     []*message `json:"sent"`
	// Reads that may be answered now.
	Reads []readState `json:"reads,omitempty"`
	// The library panicked, or an error that it must not return.
	Error string `json:"error,omitempty"`
}

type readState struct {
	Name  string `json:"name"`
	Index uint64 `json:"index"`
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	worlds := map[int]*world{}
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var commands []*command
		if err := json.Unmarshal(line, &commands); err != nil {
			panic(err)
		}
		results := make([]*result, len(commands))
		for i, c := range commands {
			results[i] = perform(worlds, c)
		}
		text, err := json.Marshal(results)
		if err != nil {
			panic(err)
		}
		out.Write(append(text, '\n'))
		out.Flush()
	}
}

// A panic of the library is a result like another: our side says with which command.
func perform(worlds map[int]*world, c *command) (r *result) {
	r = &result{Sent: []*message{}}
	defer func() {
		if p := recover(); p != nil {
			r.Error = fmt.Sprint("panic: ", p)
		}
	}()
	switch c.Op {
	case "new":
		worlds[c.World] = newWorld(c)
		return r
	case "end":
		delete(worlds, c.World)
		return r
	}
	w := worlds[c.World]
	if w == nil {
		r.Error = fmt.Sprintf("no world %d", c.World)
		return r
	}
	w.perform(c, r)
	return r
}
