// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.embedded;

import java.io.PrintWriter;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.flink.configuration.Configuration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code kronstream jobmanager}. */
@Command(
        name = "jobmanager",
        mixinStandardHelpOptions = true,
        description =
                "Runs a Flink JobManager with kronstream on its class path, until it is told to end (Ctrl-C, TERM).",
        sortOptions = false)
public final class JobManagerCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(
            names = "--host",
            paramLabel = "HOST",
            defaultValue = Ports.LOOPBACK,
            description = "Address to listen on and to be reached at (default: ${DEFAULT-VALUE}, this machine only).")
    private String host;

    @Option(
            names = "--rpc-port",
            paramLabel = "PORT",
            defaultValue = "6123",
            description = "Port for TaskManagers, 0 for a free one (default: ${DEFAULT-VALUE}).")
    private int rpcPort;

    @Option(
            names = "--port",
            paramLabel = "PORT",
            defaultValue = "8081",
            description = "Port of the web UI and of job submission, 0 for a free one (default: ${DEFAULT-VALUE}).")
    private int port;

    @Option(
            names = "--metrics-port",
            paramLabel = "PORT",
            description =
                    "Port where Prometheus asks for metrics, open on all addresses of the machine (default: none).")
    private int metricsPort;

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description = "A setting of Flink's own, for example --set state.savepoints.dir=/savepoints. Repeatable.")
    private Map<String, String> settings = Map.of();

    @Override
    public Integer call() throws Exception {
        int rest = Ports.choose("The Flink web UI", host, port);
        int rpc = Ports.choose("The Flink JobManager", host, rpcPort);
        ClusterSettings common = ClusterSettings.common(host, rpc).jobManager(rest);
        Configuration configuration = (metricsPort > 0 ? common.prometheus(metricsPort) : common).configuration();
        settings.forEach(configuration::setString);
        ClusterProcess.runJobManager(configuration, () -> {
            PrintWriter out = spec.commandLine().getOut();
            out.printf(
                    "JobManager for TaskManagers at %s:%d, web UI at http://%s:%d; Ctrl-C ends it.%n",
                    host, rpc, host, rest);
            out.flush();
        });
        return 0;
    }
}
