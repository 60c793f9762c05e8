# Stops and removes the service that install-service.ps1 made. Logs stay in ProgramData\vramd.
# Run as an administrator.
$ErrorActionPreference = 'Stop'

$service = Get-Service -Name vramd -ErrorAction SilentlyContinue
if (-not $service) {
  Write-Output 'There is no service vramd.'
  return
}
if ($service.Status -ne 'Stopped') { Stop-Service -Name vramd }
& sc.exe delete vramd | Out-Null
if ($LASTEXITCODE -ne 0) { throw "sc.exe could not delete the service (code $LASTEXITCODE)." }
