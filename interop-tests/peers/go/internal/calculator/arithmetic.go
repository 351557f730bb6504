package calculator

import (
	"errors"
	"math"
)

// quiet is the bit of a float32 that makes a NaN quiet.
const quiet = 1 << 22

// errDomain has the text of Python's ValueError.
var errDomain = errors.New("math domain error")

func isNaN(x float32) bool { return x != x }

// quieted works on the bits, because the NaN that an operation returns depends on the processor.
func quieted(nan float32) float32 {
	return math.Float32frombits(math.Float32bits(nan) | quiet)
}

func squareRoot(x float32) (float32, error) {
	switch {
	case isNaN(x):
		return quieted(x), nil
	case x < 0:
		return 0, errDomain
	}
	return float32(math.Sqrt(float64(x))), nil
}

// meanSquare adds up squares in the order of arrival; the zero value has no numbers.
type meanSquare struct {
	count        int
	sum          float64
	notANumber   float32
	isNotANumber bool
}

func (m *meanSquare) add(x float32) {
	m.count++
	m.sum += float64(x) * float64(x)
	if isNaN(x) && !m.isNotANumber {
		m.notANumber, m.isNotANumber = quieted(x), true
	}
}

func (m *meanSquare) root() float32 {
	if m.isNotANumber {
		return m.notANumber
	}
	return float32(math.Sqrt(m.sum / float64(m.count)))
}
