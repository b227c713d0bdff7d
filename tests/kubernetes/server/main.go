// The parts of Kubernetes that the tests run against, in one program, so that they are compiled and linked once:
//
//	kubernetes kube-apiserver|kube-controller-manager|kube-scheduler|kubelet|kube-proxy FLAGS...
//
// With TEST_ETCD_DIR, TEST_ETCD_CLIENT and TEST_ETCD_PEER (two URLs) set, the API server has its etcd in its own process.
package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

var parts = map[string]func() *cobra.Command{
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": controllers.NewControllerManagerCommand,
	"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
	"kubelet":                 func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
	"kube-proxy":              proxy.NewProxyCommand,
}

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("which part? one of %v", names()))
	}
	part, known := parts[os.Args[1]]
	if !known {
		fail(fmt.Errorf("there is no part %q; there are %v", os.Args[1], names()))
	}
	os.Args = os.Args[1:]
	if directory := os.Getenv("TEST_ETCD_DIR"); directory != "" && os.Args[0] == "kube-apiserver" {
		fail(startEtcd(directory, os.Getenv("TEST_ETCD_CLIENT"), os.Getenv("TEST_ETCD_PEER")))
	}
	os.Exit(cli.Run(part()))
}

// startEtcd returns when etcd answers. It ends with the process.
func startEtcd(directory, client, peer string) error {
	clients, err := url.Parse(client)
	if err != nil {
		return err
	}
	peers, err := url.Parse(peer)
	if err != nil {
		return err
	}
	config := embed.NewConfig()
	config.Dir = filepath.Join(directory, "etcd")
	config.LogLevel = "error"
	config.UnsafeNoFsync = true // What is stored here does not outlive the test.
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{*clients}, []url.URL{*clients}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{*peers}, []url.URL{*peers}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	etcd, err := embed.StartEtcd(config)
	if err != nil {
		return err
	}
	select {
	case <-etcd.Server.ReadyNotify():
		return nil
	case err := <-etcd.Err():
		return err
	case <-time.After(30 * time.Second):
		return fmt.Errorf("etcd is not ready after 30 s")
	}
}

func names() []string {
	var all []string
	for name := range parts {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "kubernetes:", err)
		os.Exit(1)
	}
}
