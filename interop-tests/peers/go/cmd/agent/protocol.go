package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

const (
	smallestRaw = 1024 // A smaller message is written in hex, so that logs stay readable.
	largestRaw  = 64 << 20
)

// notSupported says why the agent cannot do what is requested.
type notSupported string

func (n notSupported) Error() string { return string(n) }

func unsupported(format string, values ...any) error {
	return notSupported(fmt.Sprintf(format, values...))
}

type request struct {
	connections
	KeepChannels bool   `json:"keep_channels"`
	Calls        []call `json:"calls"`
}

// connections says where and how to connect; requests with equal connections can share channels.
type connections struct {
	Address   string    `json:"address"`
	Channels  int       `json:"channels"`
	TLS       *tlsFiles `json:"tls"`
	Keepalive *pings    `json:"keepalive"`
}

type tlsFiles struct {
	CA          string `json:"ca"`
	Name        string `json:"name"`
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
}

type pings struct {
	IntervalMS int64 `json:"interval_ms"`
	TimeoutMS  int64 `json:"timeout_ms"`
}

type call struct {
	Method       string      `json:"method"`
	Value        *string     `json:"value"`
	Message      *message    `json:"message"`
	Kind         string      `json:"kind"`
	Stub         bool        `json:"stub"`
	Script       []step      `json:"script"`
	TimeoutMS    *float64    `json:"timeout_ms"`
	Metadata     []metadatum `json:"metadata"`
	Compression  string      `json:"compression"`
	WaitForReady bool        `json:"wait_for_ready"`
}

// metadatum is a key and a value, which is in hex if the key ends in -bin.
type metadatum [2]string

// step has one field that is not nil.
type step struct {
	Send      *message `json:"send"`
	Receive   *int     `json:"receive"`
	PauseMS   *float64 `json:"pause_ms"`
	HalfClose bool     `json:"half_close"`
	Cancel    bool     `json:"cancel"`
}

// message is written in hex, or as {"bytes": N}; then N bytes follow the line.
type message struct {
	content []byte
	isRaw   bool
}

type rawMessage struct {
	Bytes int `json:"bytes"`
}

func (m *message) UnmarshalJSON(data []byte) error {
	if m.isRaw = data[0] == '{'; m.isRaw {
		return nil // readRequest reads the bytes.
	}
	var digits string
	err := json.Unmarshal(data, &digits)
	if err == nil {
		m.content, err = hex.DecodeString(digits)
	}
	return err
}

func (m message) MarshalJSON() ([]byte, error) {
	if len(m.content) >= smallestRaw {
		return json.Marshal(rawMessage{len(m.content)})
	}
	return json.Marshal(hex.EncodeToString(m.content))
}

// outcome is the answer to a request.
type outcome struct {
	Calls        []callOutcome `json:"calls,omitzero"`
	NotSupported string        `json:"not_supported,omitempty"`
}

type callOutcome struct {
	Status           string      `json:"status"`
	Message          string      `json:"message"`
	Value            *string     `json:"value"`
	Replies          []message   `json:"replies,omitzero"`
	Details          *details    `json:"details"`
	InitialMetadata  []metadatum `json:"initial_metadata"`
	TrailingMetadata []metadatum `json:"trailing_metadata"`
	ElapsedMS        float64     `json:"elapsed_ms"`
}

type details struct {
	Code       int32       `json:"code"`
	Message    string      `json:"message"`
	Violations [][2]string `json:"violations"`
}

// readRequest reads a line and the messages that follow it; io.EOF means that there is no other line.
func readRequest(stdin *bufio.Reader) (*request, error) {
	line, err := stdin.ReadBytes('\n')
	if len(line) == 0 {
		return nil, err
	}
	// Before the line is understood: whatever it requests, the next line begins after the messages.
	raw, err := readRawMessages(line, stdin)
	if err != nil {
		return nil, err
	}
	var r request
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		return nil, unsupported("%v", err)
	}
	take := func(m *message) {
		if m != nil && m.isRaw && len(raw) > 0 {
			m.content, raw = raw[0], raw[1:]
		}
	}
	for _, call := range r.Calls {
		take(call.Message)
		for _, step := range call.Script {
			take(step.Send)
		}
	}
	return &r, nil
}

// readRawMessages reads a message for each object {"bytes": N} in the line.
func readRawMessages(line []byte, stdin io.Reader) ([][]byte, error) {
	var messages [][]byte
	var last [4]json.Token
	decoder := json.NewDecoder(bytes.NewReader(line))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return messages, nil
		}
		if err != nil {
			return nil, fmt.Errorf("a line of stdin is not JSON: %w", err)
		}
		last = [4]json.Token{last[1], last[2], last[3], token}
		size, isNumber := last[2].(float64)
		if !isNumber || last != [4]json.Token{json.Delim('{'), "bytes", size, json.Delim('}')} {
			continue
		}
		if size < 0 || size > largestRaw {
			return nil, fmt.Errorf("a message has %v bytes; the most are %d", size, largestRaw)
		}
		message := make([]byte, int(size))
		if _, err := io.ReadFull(stdin, message); err != nil {
			return nil, fmt.Errorf("cannot read the %v bytes of a message: %v", size, err)
		}
		messages = append(messages, message)
	}
}

func (o *outcome) write(stdout *bufio.Writer) error {
	if err := json.NewEncoder(stdout).Encode(o); err != nil {
		return err
	}
	for _, call := range o.Calls {
		for _, reply := range call.Replies {
			if len(reply.content) < smallestRaw {
				continue
			}
			if _, err := stdout.Write(reply.content); err != nil {
				return err
			}
		}
	}
	return stdout.Flush()
}
