{{/* The labels of every object. */}}
{{- define "bulkhead.labels" -}}
app.kubernetes.io/name: bulkhead
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* How the pods of one part are chosen: (list . "ca"). */}}
{{- define "bulkhead.selector" -}}
app.kubernetes.io/name: bulkhead
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* An image by its name: (list . "ca"). */}}
{{- define "bulkhead.image" -}}
{{- $root := index . 0 -}}
{{- $image := index $root.Values.images (index . 1) -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default $root.Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "bulkhead.container" -}}
image: {{ include "bulkhead.image" . | quote }}
imagePullPolicy: {{ (index . 0).Values.images.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{/* What the pods of all parts have in common: (list . "ca" .Values.ca). */}}
{{- define "bulkhead.pod" -}}
{{- $root := index . 0 -}}
{{- $values := index . 2 -}}
serviceAccountName: bulkhead-{{ index . 1 }}
# A Service called bulkhead-ca would be told as BULKHEAD_CA_PORT.
enableServiceLinks: false
{{- with $root.Values.images.pullSecrets }}
imagePullSecrets: {{ range . }}
  - name: {{ . }}{{ end }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "bulkhead.unprivileged" -}}
securityContext:
  runAsNonRoot: true
  runAsUser: 10102
  runAsGroup: 10102
  fsGroup: 10102
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "bulkhead.probes" -}}
startupProbe: { httpGet: { path: /live, port: admin }, periodSeconds: 1, failureThreshold: 120 }
livenessProbe: { httpGet: { path: /live, port: admin }, periodSeconds: 10, failureThreshold: 3 }
readinessProbe: { httpGet: { path: /ready, port: admin }, periodSeconds: 2, failureThreshold: 2 }
{{- end }}

{{- define "bulkhead.ca" -}}
bulkhead-ca.{{ .Release.Namespace }}.svc:15010
{{- end }}

{{/* Every address of a pod; a node without IPv6 has not the second one, which stands for both families. */}}
{{- define "bulkhead.any" -}}
{{- if contains ":" (join "," .Values.meshCidrs) }}[::]{{ else }}0.0.0.0{{ end -}}
{{- end }}

{{- define "bulkhead.claim" -}}
{{ .Values.storage.existingClaim | default "bulkhead-ca" }}
{{- end }}

{{/* The annotation of what stays: (list . "authority"). */}}
{{- define "bulkhead.keep" -}}
{{- if has (index . 1) (index . 0).Values.keep }}
  annotations:
    helm.sh/resource-policy: keep
{{- end }}
{{- end }}

{{/* By which a part proves to the CA who it is, and knows the CA. */}}
{{- define "bulkhead.proof.volumes" -}}
- name: token
  projected:
    sources:
      - serviceAccountToken: { path: token, audience: bulkhead-ca, expirationSeconds: 3600 }
- name: roots
  configMap: { name: bulkhead-trust, items: [{ key: root.pem, path: root.pem }] }
{{- end }}

{{- define "bulkhead.proof.mounts" -}}
- { name: token, mountPath: /var/run/secrets/bulkhead-mesh.dev, readOnly: true }
- { name: roots, mountPath: /etc/bulkhead, readOnly: true }
{{- end }}

{{/* The name servers, with commas between. */}}
{{- define "bulkhead.resolvers" -}}
{{- if .Values.resolvers -}}
{{ join "," .Values.resolvers }}
{{- else -}}
{{- with lookup "v1" "Service" "kube-system" "kube-dns" -}}
{{ join "," (.spec.clusterIPs | default (list .spec.clusterIP)) }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The rule by which pods reach the Kubernetes API; nothing where nobody says where that is. */}}
{{- define "bulkhead.kubernetesApi" -}}
{{- $addresses := .Values.kubernetesApi.addresses | default list -}}
{{- $ports := .Values.kubernetesApi.ports | default list -}}
{{- with lookup "discovery.k8s.io/v1" "EndpointSlice" "default" "kubernetes" -}}
{{- if not $addresses -}}
{{- $length := ternary 128 32 (eq .addressType "IPv6") -}}
{{- range .endpoints -}}{{- range .addresses -}}{{- $addresses = append $addresses (printf "%s/%d" . $length) -}}{{- end -}}{{- end -}}
{{- end -}}
{{- if not $ports -}}{{- range .ports -}}{{- $ports = append $ports (int .port) -}}{{- end -}}{{- end -}}
{{- end -}}
{{- if $addresses -}}
{{- $allow := dict "from" "any" "to" $addresses -}}
{{- if $ports -}}{{- $_ := set $allow "ports" $ports -}}{{- end -}}
{{- list (dict "name" "kubernetes-api" "allow" $allow) | toYaml -}}
{{- end -}}
{{- end }}

{{/* The first policy, whole. */}}
{{- define "bulkhead.policy" -}}
{{- $policy := deepCopy .Values.policy -}}
{{- $_ := set $policy "mesh-cidrs" .Values.meshCidrs -}}
{{- $api := include "bulkhead.kubernetesApi" . | fromYamlArray -}}
{{- $_ := set $policy "egress" (concat ($policy.egress | default list) $api) -}}
{{- toYaml $policy -}}
{{- end }}
