// read_leaf TIME ROOT INTERMEDIATE LEAF: verifies a leaf with Go's crypto/x509 and prints its URI SAN and its serial.
package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"strconv"
	"time"
)

func main() {
	seconds, err := strconv.ParseInt(os.Args[1], 10, 64)
	check(err)
	root, intermediate, leaf := read(os.Args[2]), read(os.Args[3]), read(os.Args[4])
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(root)
	intermediates.AddCert(intermediate)
	_, err = leaf.Verify(x509.VerifyOptions{
		Roots:         roots,
		Intermediates: intermediates,
		CurrentTime:   time.Unix(seconds, 0),
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	check(err)
	if len(leaf.URIs) != 1 || leaf.IsCA || !leaf.BasicConstraintsValid || len(leaf.UnhandledCriticalExtensions) != 0 {
		check(fmt.Errorf("not a leaf: %v", leaf))
	}
	fmt.Printf("%s %032x\n", leaf.URIs[0], leaf.SerialNumber)
}

func read(path string) *x509.Certificate {
	text, err := os.ReadFile(path)
	check(err)
	block, _ := pem.Decode(text)
	certificate, err := x509.ParseCertificate(block.Bytes)
	check(err)
	return certificate
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
